"""The page views of segments as a file of CSV, for others to answer the same questions about."""

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from analytics.ranges.columns import CODED, CONTEXT_FIELDS, SOURCE_FIELDS, VISIT_MS
from analytics.ranges.parts import Part, read_texts
from analytics.ranges.segments import Day

COLUMNS = ("visitor", "visit", "ts", "page", *SOURCE_FIELDS, *CONTEXT_FIELDS)


def write_views(days: Sequence[Day], path: Path) -> None:
    """visitor: a number. visit: of its visit, UTC ms when it began. ts: UTC ms."""
    texts = read_texts(days, list(CODED))
    visitors = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        for fence in range(0, 256, 16):
            part = Part(days, texts, fence, fence + 16)
            ts, who = part.columns["ts"], part.who
            begins = np.r_[True, (np.diff(who) != 0) | (np.diff(ts) >= VISIT_MS)]
            visit = np.maximum.accumulate(np.where(begins, np.arange(len(ts)), 0))
            kind, page, source, context = (
                [texts[name].values[number] for number in part.columns[name].tolist()]
                for name in ("type", "page", "source", "context")
            )
            for row in zip(
                kind,
                (who + visitors).tolist(),
                ts[visit].tolist(),
                ts.tolist(),
                page,
                source,
                context,
                strict=True,
            ):
                if row[0] == "page_view":
                    writer.writerow([*row[1:5], *row[5], *row[6]])
            visitors += part.visitors
