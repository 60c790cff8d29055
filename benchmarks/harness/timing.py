"""Times of work: `wall_ms`, and `cpu_ms` by a clock of processor time."""

import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

Times = dict[str, float]


def spend(work: Callable[[], Any], clock: Callable[[], float] = time.process_time) -> Times:
    """Do it once. clock: seconds of processor time, by default of this process."""
    started, cpu = time.perf_counter(), clock()
    work()
    return {"wall_ms": 1000 * (time.perf_counter() - started), "cpu_ms": 1000 * (clock() - cpu)}


def repeat(work: Callable[[], Any], times: int, clock: Callable[[], float] = time.process_time) -> Times:
    """Do it some times, after a first one that warms up, and summarise."""
    work()
    return summarise([spend(work, clock) for _ in range(times)])


def summarise(found: Sequence[Times]) -> Times:
    """The best wall-clock time, which others disturbed least, and the median processor time."""
    return {
        "wall_ms": min(times["wall_ms"] for times in found),
        "cpu_ms": statistics.median(times["cpu_ms"] for times in found),
    }
