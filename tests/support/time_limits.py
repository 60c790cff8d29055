"""No test hangs the run: a plugin of pytest.

Each setup, call and teardown that takes longer than `time_limit` seconds (pyproject.toml) fails by name, in
every rerun. pytest-timeout 2.4 sets no limit for the teardown or the rerun of a test that has failed.

A part that no signal interrupts, as in a call of C, ends its process at twice the limit, with the stacks of
all threads; pytest-xdist then names the test and goes on with another worker.
"""

import faulthandler
import os
import signal
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager

import pytest

_STDERR = os.dup(2)  # before pytest captures what is written there


@contextmanager
def at_most(seconds: float, message: Callable[[], str]) -> Iterator[None]:
    """Fail the test with `message()` when the block takes longer, whatever it waits for. May be nested."""

    def give_up(*_: object) -> None:
        pytest.fail(message())

    began = time.monotonic()
    former_action = signal.signal(signal.SIGALRM, give_up)
    former_seconds, _ = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, former_action)
        if former_seconds:
            left = former_seconds - (time.monotonic() - began)
            signal.setitimer(signal.ITIMER_REAL, max(left, 0.001))


def _limited(item: pytest.Item, part: str) -> Generator[None, object, object]:
    seconds = float(item.config.getini("time_limit"))
    faulthandler.dump_traceback_later(2 * seconds, exit=True, file=_STDERR)
    try:
        with at_most(seconds, lambda: f"{part} of {item.nodeid} took more than {seconds:g} s"):
            return (yield)
    finally:
        faulthandler.cancel_dump_traceback_later()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addini("time_limit", "seconds that each setup, call and teardown may take", default="600")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, object, object]:
    return (yield from _limited(item, "setup"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    return (yield from _limited(item, "call"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, object, object]:
    return (yield from _limited(item, "teardown"))


def pytest_enter_pdb() -> None:
    """Whoever debugs a test takes as long as they like."""
    signal.setitimer(signal.ITIMER_REAL, 0)
    faulthandler.cancel_dump_traceback_later()
