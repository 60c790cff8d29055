"""Rows of sharers and channels with their credits, as pages show them."""

from typing import Any

from conferences.models import Conference
from sharing.selectors import credits as sums
from sharing.selectors.days import Range as Days


def read_sharers(
    conference: Conference, days: Days, model: str, *, limit: int
) -> tuple[list[dict[str, Any]], int]:
    """Return the best sharers under a credit model, and the number of all sharers."""
    page = sums.get_leaderboard(conference, days, model, limit=limit)
    return [_make_row("sharer", rank, row) for rank, row in page.rows], page.total


def read_channels(
    conference: Conference, days: Days, model: str, *, limit: int
) -> tuple[list[dict[str, Any]], int]:
    """Return the best channels, with links and opens of all days, and the number of all channels."""
    page, counts = sums.get_channels(conference, days, model, limit=limit)
    rows = []
    for rank, row in page.rows:
        count = counts.get(row.name)
        counted = {name: getattr(count, name, 0) for name in ("links", "opens", "openers")}
        rows.append({**_make_row("channel", rank, row), **counted})
    return rows, page.total


def _make_row(by: str, rank: int, row: sums.SumRow) -> dict[str, Any]:
    return {
        by: row.name, "rank": rank, "credit": row.credit, "registrations": row.registrations,
        "direct": row.direct, "assisted": row.assisted,
    }  # fmt: skip
