"""The sky of a conference: a tree of points and lines made from its id, so that each page has its own."""

import hashlib
import random
from dataclasses import dataclass

# Horizontal places of the levels, in per cent. The vertical ones follow from the number of leaves.
_LEVELS = (16.0, 40.0, 63.0, 84.0)
_TOP, _BOTTOM = 8.0, 92.0


@dataclass(frozen=True)
class Point:
    """A point at x, y of a square of 100 × 100. level: 0 for the root."""

    x: float
    y: float
    level: int

    @property
    def radius(self) -> float:
        return (2.6, 2.0, 1.5, 1.1)[self.level]


@dataclass(frozen=True)
class Line:
    """A line between a point and one of the next level."""

    start: Point
    end: Point

    @property
    def path(self) -> str:
        """Return the line as an SVG path: a curve that begins and ends horizontally."""
        middle = (self.start.x + self.end.x) / 2
        return (
            f"M{self.start.x:g} {self.start.y:g}"
            f"C{middle:g} {self.start.y:g} {middle:g} {self.end.y:g} {self.end.x:g} {self.end.y:g}"
        )


@dataclass(frozen=True)
class Sky:
    points: list[Point]
    lines: list[Line]


def make_sky(conference_id: str) -> Sky:
    """Make the tree of a conference: three levels below the root, the same for the same id."""
    choose = random.Random(hashlib.sha256(conference_id.encode()).digest())  # noqa: S311  a picture
    shape = [[choose.randint(1, 2) for _ in range(choose.randint(1, 3))] for _ in range(choose.randint(3, 4))]
    leaves = sum(map(sum, shape))
    step = (_BOTTOM - _TOP) / max(1, leaves - 1)
    heights = iter(_TOP + step * number for number in range(leaves))

    def shift() -> float:
        return choose.uniform(-3, 3)

    points, lines = [], []
    branches = []
    for branch in shape:
        twigs = []
        for number in branch:
            ends = [Point(round(_LEVELS[3] + shift(), 1), round(next(heights), 1), 3) for _ in range(number)]
            twig = Point(round(_LEVELS[2] + shift(), 1), _middle(ends), 2)
            points += ends
            lines += [Line(twig, end) for end in ends]
            twigs.append(twig)
        bough = Point(round(_LEVELS[1] + shift(), 1), _middle(twigs), 1)
        points += twigs
        lines += [Line(bough, twig) for twig in twigs]
        branches.append(bough)
    root = Point(_LEVELS[0], _middle(branches), 0)
    return Sky(
        [root, *branches, *sorted(points, key=lambda point: point.level)],
        [*(Line(root, branch) for branch in branches), *lines],
    )


def _middle(points: list[Point]) -> float:
    return round(sum(point.y for point in points) / len(points), 1)
