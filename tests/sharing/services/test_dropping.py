"""Dropping the data of conferences that were never created."""

import datetime as dt
import threading
from typing import Any

import pytest
from django.apps import apps
from django.db import connections
from django.utils import timezone

from analytics.days import redating
from analytics.models import Event, UnclaimedConference
from analytics.reactions.pipeline import store_and_react
from conferences import services
from sharing.models import DirtyDayOutbox, ShareLink
from sharing.services import dropping
from sharing.services.rebuilding import rebuild
from tests.sharing.cast import credits_of, opened, registered, row, share, state

STORY = [
    share(1, "ann", "aaaa"),
    share(1.5, "crawler", "never", bot=True),  # a claim to a link that never exists
    opened(2, "cat", "aaaa"),
    share(3, "ben", "bbbb", "aaaa"),
    opened(4, "dan", "bbbb"),
    opened(4.5, "dan", "unknown"),
    registered(5, "cat"),
    registered(6, "dan"),
]


def arrive(events: list[dict[str, Any]], conference_id: str) -> None:
    store_and_react(
        [
            row({**sent, "conference_id": conference_id, "event_id": f"{conference_id}-{sent['event_id']}"})
            for sent in events
        ]
    )


def make_old(**which: Any) -> None:
    long_ago = timezone.now() - dt.timedelta(days=redating.UNCLAIMED_DAYS, hours=1)
    Event.objects.update(received_at=timezone.now())
    Event.objects.filter(**which).update(received_at=long_ago)
    UnclaimedConference.objects.update(first_seen_at=long_ago)


def state_but_for_receipts() -> dict[str, Any]:
    """The derived data without the times of receipt, because `make_old` changes those of stored events."""
    ShareLink.objects.update(received_ms=0)
    return state()


def stored(conference_id: str) -> list[str]:
    """The tables that contain rows of a conference."""
    return [
        model.__name__
        for model in apps.get_app_config("sharing").get_models()
        if model is not DirtyDayOutbox
        and any(conference_id in repr(values) for values in model._default_manager.values_list())
    ]


@pytest.mark.django_db
@pytest.mark.parametrize("rows_at_once", [1, 2, 5000])
def test_dropping_removes_only_that_conferences_data(
    conference: Any, monkeypatch: pytest.MonkeyPatch, rows_at_once: int
) -> None:
    monkeypatch.setattr(dropping, "_ROWS_AT_ONCE", rows_at_once)
    for conference_id in ("summit", "nobodys", "nobodys-too"):
        arrive(STORY, conference_id)
    kept = [item for item in state().items() if "summit" in repr(item)]
    assert len(stored("nobodys")) == 11
    make_old()

    assert redating.drop_unclaimed_events() == 2 * len(STORY)

    assert stored("nobodys") == []
    assert len(stored("summit")) == 11
    assert len(kept) == 6
    assert not UnclaimedConference.objects.exists()
    before = state_but_for_receipts()
    rebuild("summit")
    assert state_but_for_receipts() == before


@pytest.mark.django_db
def test_a_new_conference_gets_its_recent_events(alice: Any) -> None:
    arrive(STORY, "nobodys")
    make_old(id__contains="-ann-")
    redating.drop_unclaimed_events()
    assert stored("nobodys") == []
    assert Event.objects.count() == len(STORY) - 1

    services.create_conference(owner=alice, id="nobodys", name="Somebody's", time_zone="UTC")
    redating.redate_changed_conferences()

    assert credits_of("r-dan", "nobodys") == ["bbbb"]
    assert credits_of("r-cat", "nobodys") == []
    assert not UnclaimedConference.objects.exists()
    expected = state()
    rebuild("nobodys")
    assert state() == expected


@pytest.mark.django_db
def test_the_next_run_finishes_a_crashed_drop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    arrive(STORY, "nobodys")
    make_old()
    Event.objects.all().delete()
    assert redating.drop_unclaimed_events() == 0
    assert stored("nobodys") == []
    assert not UnclaimedConference.objects.exists()


@pytest.mark.django_db
def test_a_conference_created_during_a_drop_keeps_its_data(alice: Any) -> None:
    arrive(STORY, "late")
    expected = state()
    services.create_conference(owner=alice, id="late", name="Late", time_zone="UTC")
    dropping.drop(["late"])
    assert state() == expected


@pytest.mark.django_db(transaction=True)
def test_events_delivered_during_a_drop_are_kept(monkeypatch: pytest.MonkeyPatch, alice: Any) -> None:
    monkeypatch.setattr(dropping, "_ROWS_AT_ONCE", 1)
    arrive(STORY, "nobodys")
    make_old()
    Event.objects.all().delete()
    late = [{**sent, "event_id": f"again-{sent['event_id']}"} for sent in STORY]

    def deliver() -> None:
        try:
            for sent in late:
                arrive([sent], "nobodys")
        finally:
            connections.close_all()

    worker = threading.Thread(target=deliver)
    worker.start()
    dropping.drop(["nobodys"])
    worker.join()
    services.create_conference(owner=alice, id="nobodys", name="Somebody's", time_zone="UTC")
    redating.redate_changed_conferences()
    found = state()
    rebuild("nobodys")
    assert Event.objects.count() == len(late)
    assert found["links"] == state()["links"]
    assert found["credits"] == state()["credits"]
