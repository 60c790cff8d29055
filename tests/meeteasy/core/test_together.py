"""Calls that come at once are worked on as one, and none gets what was begun before it came."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from meeteasy.core.together import Together


def wait_until(is_so: Callable[[], bool]) -> None:
    for _ in range(2_000):
        if is_so():
            return
        threading.Event().wait(0.005)
    raise AssertionError("it never was")


def test_those_who_wait_are_worked_on_as_one() -> None:
    begun, may_end = threading.Event(), threading.Event()
    batches: list[list[int]] = []

    def work(key: str, items: list[int]) -> list[tuple[int, int]]:
        batches.append(sorted(items))
        number = len(batches)
        begun.set()
        assert may_end.wait(10)
        return [(number, item) for item in items]

    together: Together[str, int, tuple[int, int]] = Together(work)
    with ThreadPoolExecutor(10) as pool:
        first = pool.submit(together.ask, "a", 0)
        assert begun.wait(10)
        others = [pool.submit(together.ask, "a", item) for item in range(1, 10)]
        wait_until(lambda: len(together._waiting.get("a", [])) == 9)
        may_end.set()
        assert first.result() == (1, 0)
        assert [other.result() for other in others] == [(2, item) for item in range(1, 10)]
    assert batches == [[0], list(range(1, 10))]
    assert together.ask("a", 7) == (3, 7)
    assert not together._waiting


def test_what_the_work_raises_reaches_all_and_the_next_call_works() -> None:
    def work(key: str, items: list[int]) -> list[int]:
        if -1 in items:
            raise ValueError("no")
        return items

    together: Together[str, int, int] = Together(work)
    with pytest.raises(ValueError, match="no"):
        together.ask("a", -1)
    assert together.ask("a", 3) == 3
