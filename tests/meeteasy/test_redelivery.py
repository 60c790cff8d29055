"""Celery's messages of a killed worker come back soon after the visibility timeout."""

import time

import pytest

from tests.support.redelivery.tasks import STARTS
from tests.support.system import System

pytestmark = [pytest.mark.processes, pytest.mark.faults]

VISIBILITY_SECONDS = 15


def seconds_to_redelivery(system: System) -> float:
    """From kill -9 of a worker with a task in hand to the start of the same task in another worker."""
    system.environment["DJANGO_SETTINGS_MODULE"] = "tests.support.redelivery.settings"
    system.start("daily")

    def starts() -> int:
        return int(system.redis().llen(STARTS))

    system.run_code("from tests.support.redelivery.tasks import hang_once; hang_once.delay()")
    system.wait_for(lambda: starts() == 1, "the task to start", every=0.02)
    system.start("daily-2")
    assert system.redis().hlen("unacked") == 1, "it is acknowledged when it has ended"
    killed = time.monotonic()
    system.kill("daily")
    system.wait_for(lambda: starts() == 2, "the message to come back", seconds=200)
    return time.monotonic() - killed


def test_a_killed_workers_message_comes_back_in_seconds(system: System) -> None:
    seconds = seconds_to_redelivery(system)
    print(f"redelivered after {seconds:.0f} s")  # noqa: T201
    assert seconds < VISIBILITY_SECONDS + 15


def test_with_kombus_own_settings_it_takes_minutes(system: System) -> None:
    """The control."""
    system.environment["TESTS_KOMBU_DEFAULTS"] = "1"
    seconds = seconds_to_redelivery(system)
    print(f"redelivered after {seconds:.0f} s")  # noqa: T201
    assert seconds > 2 * (VISIBILITY_SECONDS + 15)
