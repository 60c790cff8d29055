"""The geometry of charts, drawn by the server as SVG. Widths and places are attributes in per cent, so a page
needs no inline style and no script, and texts keep their size at every width (docs/adr/0038)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

SPARK_HEIGHT = 32
HEIGHT = 200  # of a page's charts
_TOP = 4  # pixels above the highest point, so that a line's stroke is not cut off


def as_percent(part: float) -> str:
    """A share of 1 as an SVG length, within 0 and 100 %."""
    return f"{max(0.0, min(1.0, part)) * 100:.2f}%"


def draw_spark(values: Sequence[int]) -> dict[str, Any]:
    """Points of a small curve in a box of 100 by SPARK_HEIGHT that is stretched to its place."""
    most = max(values, default=0)
    if not most:
        return {"points": "", "area": "", "height": SPARK_HEIGHT}
    step = 100 / max(1, len(values) - 1)
    room = SPARK_HEIGHT - _TOP
    points = [
        f"{index * step:.2f},{SPARK_HEIGHT - room * value / most:.2f}" for index, value in enumerate(values)
    ]
    area = [f"0,{SPARK_HEIGHT}", *points, f"100,{SPARK_HEIGHT}"]
    return {"points": " ".join(points), "area": " ".join(area), "height": SPARK_HEIGHT}


def nice_ceiling(value: float) -> int:
    """The lowest of 4, 8, 12, 20, 40, 60, 80, 100, 120, 160, 200, 400, 600 … that is not below `value`: four
    equal steps of it are round numbers, too."""
    if value <= 4:
        return 4
    power = 10 ** math.floor(math.log10(value / 4))
    for step in (1, 1.5, 2, 2.5, 3, 4, 5):
        if 4 * step * power >= value and step * power % 1 == 0:
            return int(4 * step * power)
    return int(40 * power)


@dataclass(frozen=True)
class Bar:
    """A bar of a chart: places in per cent of the width, heights in pixels from the top."""

    x: str
    width: str
    hit_x: str
    hit_width: str
    middle: str
    y: float
    height: float
    was_y: float | None
    was_x2: str


def draw_bars(values: Sequence[int], before: Sequence[int | None], *, height: int, ceiling: int) -> list[Bar]:
    """Bars of equal width. before: values of an earlier period, drawn as a line across each bar."""
    count = max(1, len(values))
    slot = 1 / count
    bars = []
    for index, value in enumerate(values):
        left = index * slot
        gap = slot * (0.18 if count <= 45 else 0.08)
        was = before[index] if index < len(before) else None
        tall = height * value / ceiling
        bars.append(
            Bar(
                x=as_percent(left + gap), width=as_percent(slot - 2 * gap), hit_x=as_percent(left),
                hit_width=as_percent(slot), middle=as_percent(left + slot / 2), y=round(height - tall, 1),
                height=round(tall, 1),
                was_y=None if was is None else round(height - height * min(was, ceiling) / ceiling, 1),
                was_x2=as_percent(left + slot - gap / 2),
            )
        )  # fmt: skip
    return bars


def draw_axis(ceiling: int, *, height: int) -> list[dict[str, float]]:
    """The lines of the vertical axis, four steps from the top to 0."""
    return [
        {"value": ceiling * step // 4, "y": round(height - height * step / 4, 1)} for step in (4, 3, 2, 1, 0)
    ]
