"""Redelivery after a worker is killed between any two steps."""

import datetime as dt
import os
import signal
from typing import Any

import pytest
from django.db import connection, connections

from analytics.models import DirtyDay
from conferences.models import Conference
from sharing.derivation.deriving import apply_facts
from sharing.derivation.facts import read_facts
from sharing.models import DirtyDayOutbox
from tests.sharing.cast import opened, registered, row, share, state
from tests.sharing.derivation.test_order import assert_as_plain, empty

FIRST = [
    share(2, "bob", "bbbb", "aaaa"),
    opened(3, "carol", "bbbb"),
    registered(4, "carol"),
    opened(3, "dave", "aaaa"),
]
SECOND = [
    share(1, "alice", "aaaa", "cccc"),
    share(6, "carol", "cccc", "bbbb"),  # closes a cycle
    opened(2.5, "carol", "aaaa"),
    registered(7, "dave"),
    registered(8, "erin", share_code="bbbb"),
]


def deliver(events: list[dict[str, Any]]) -> None:
    apply_facts(read_facts([row(sent) for sent in events]))


def deliver_and_die(events: list[dict[str, Any]], *, at_query: int) -> bool:
    """Deliver in a process that is killed with -9 before its query number `at_query`.

    Returns whether the process got that far.
    """
    connections.close_all()
    child = os.fork()
    if child == 0:
        count = 0

        def count_and_die(execute: Any, *args: Any) -> Any:
            nonlocal count
            count += 1
            if count == at_query:
                os.kill(os.getpid(), signal.SIGKILL)
            return execute(*args)

        try:
            with connection.execute_wrapper(count_and_die):
                deliver(events)
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


@pytest.mark.django_db(transaction=True)
def test_redelivery_after_a_crash_gives_the_same_state(
    conference: Conference,
) -> None:
    deliver(FIRST)
    deliver(SECOND)
    expected = state()
    day = dt.date(2026, 5, 1)  # 09:47 in Shanghai

    at_query = 0
    killed = True
    while killed:
        at_query += 1
        empty()
        deliver(FIRST)
        DirtyDay.objects.all().delete()
        killed = deliver_and_die(SECOND, at_query=at_query)
        deliver(SECOND)
        assert state() == expected, at_query
        # The mark of a day without redelivered events is not lost either.
        assert DirtyDay.objects.filter(conference_id="summit", local_date=day).exists(), at_query
        assert not DirtyDayOutbox.objects.exists()
    assert at_query > 15  # otherwise no worker was killed
    assert_as_plain(FIRST + SECOND)


@pytest.mark.django_db
def test_a_redelivered_prefix_changes_nothing(conference: Conference) -> None:
    deliver(FIRST + SECOND)
    expected = state()
    DirtyDay.objects.all().delete()
    for end in range(1, len(FIRST + SECOND) + 1):
        deliver((FIRST + SECOND)[:end])
        assert state() == expected
    assert not DirtyDay.objects.exists()
