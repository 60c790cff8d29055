"""Registrations and check-ins become events even if the broker loses messages."""

import datetime as dt
import time
from collections.abc import Callable

import msgspec
import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from analytics import own_events
from analytics.days import redating
from analytics.days.figures import compute_figures
from analytics.days.summaries import compute_day, refresh_dirty_days
from analytics.days.zones import local_date
from analytics.events.batch import to_rows
from analytics.events.clock import now_ms
from analytics.events.validation import Client, read_batch
from analytics.importing import import_file
from analytics.models import DailySummary, Event, OwnEventSweep
from analytics.reactions.pipeline import store_and_react
from analytics.stream.drain import Drain
from analytics.stream.queue import Consumer
from conferences import services
from conferences.models import CheckIn, Conference, Registration
from conferences.services.checkins import check_in, undo_check_in
from conferences.services.registrations import register
from meeteasy.core.redis import get_redis
from tests.analytics.streams import length
from tests.support.services import ValkeyServer

pytestmark = pytest.mark.django_db(transaction=True)

LATER = dt.timedelta(minutes=1)


def drain() -> None:
    Drain(Consumer(get_redis())).run(linger_ms=1)


def register_ann(conference: Conference, name: str = "Ann", **fields: str) -> Registration:
    return register(
        conference=conference, name=name, email=f"{name.lower()}@example.com", **fields
    ).registration


def report_from_client(conference: Conference, *events: dict) -> list[str]:
    """Send events as a browser does. Returns the codes of the refused ones."""
    body = msgspec.json.encode({"events": [{"conference_id": conference.id, **event} for event in events]})
    client = Client(now_ms(), is_bot=False, visitor_id=lambda conference_id: "somebody")
    batch, rejections, *_ = read_batch(body, client, max_events=500, acceptance_days=7)
    store_and_react(to_rows(batch))
    return [rejection.code for rejection in rejections]


def figures(conference: Conference) -> tuple[int, int]:
    """Return today's registrations and check-ins."""
    found = compute_figures(conference.id, local_date(conference.time_zone, round(time.time() * 1000)))
    return found["registrations"], found["checkins"]


def test_registrations_and_check_ins_are_in_the_days_summary(conference: Conference, bob: User) -> None:
    registration = register_ann(conference, visitor_id="v1", share_code="code1")
    check_in(registration.id, by=bob, method="qr", gate="North")
    drain()
    refresh_dirty_days()
    summary = DailySummary.objects.get()
    assert (summary.figures["registrations"], summary.figures["checkins"]) == (1, 1)
    event = Event.objects.get(type="registration")
    assert event.event_id == f"own:reg:{registration.id}"
    assert (event.visitor_id, event.data["share_code"], event.subject) == ("v1", "code1", registration.id)
    assert abs(event.ts - registration.registered_at) < dt.timedelta(milliseconds=1)


def test_an_event_is_sent_after_commit_only(conference: Conference) -> None:
    with transaction.atomic():
        register_ann(conference)
        assert length() == 0
        transaction.set_rollback(True)
    assert length() == 0
    register_ann(conference)
    assert length() == 1


def test_a_registration_that_the_sdk_reports_too_counts_once(conference: Conference) -> None:
    registration = register_ann(conference)
    drain()
    report_from_client(
        conference,
        {"type": "registration", "form_id": "f", "registration_id": registration.id},
        {"type": "registration", "form_id": "f", "registration_id": "of another system"},
    )
    assert figures(conference) == (2, 0)


def test_without_trust_in_clients_only_own_rows_count(conference: Conference, bob: User) -> None:
    registration = register_ann(conference)
    check_in(registration.id, by=bob)
    drain()
    report_from_client(
        conference,
        {"type": "registration", "form_id": "f", "registration_id": registration.id},
        {"type": "registration", "form_id": "f", "registration_id": "made up"},
        {"type": "registration", "form_id": "f"},
        {"type": "checkin", "method": "qr", "registration_id": "made up"},
    )
    assert figures(conference) == (3, 2)
    services.update_conference(conference, trust_client_registrations=False)
    assert figures(conference) == (1, 1)
    assert Event.objects.filter(type="registration").count() == 4  # stored all the same


def test_withdrawing_trust_in_clients_recomputes_all_days(conference: Conference) -> None:
    report_from_client(conference, {"type": "registration", "form_id": "f"})
    redating.redate_changed_conferences()
    refresh_dirty_days()
    assert DailySummary.objects.get().figures["registrations"] == 1
    services.update_conference(conference, trust_client_registrations=False)
    redating.redate_changed_conferences()
    refresh_dirty_days()
    summary = DailySummary.objects.get()
    assert (summary.figures["registrations"], summary.revision) == (0, 2)


@pytest.mark.parametrize("prefix", ["own:reg:", "own:checkin:", "own:undone:", "own:"])
def test_a_client_cannot_use_ids_of_own_events(conference: Conference, prefix: str) -> None:
    """Otherwise anybody who knows a registration's id could replace our event by their own."""
    event = {"type": "page_view", "page": "/", "event_id": f"{prefix}1"}
    assert report_from_client(conference, event, {**event, "event_id": "1"}) == ["reserved"]
    assert [event.event_id for event in Event.objects.all()] == ["1"]


def test_a_client_cannot_undo_a_check_in(conference: Conference) -> None:
    event = {"type": "checkin_undone", "registration_id": "r", "checkin_event_id": "own:checkin:1"}
    assert report_from_client(conference, event) == ["reserved"]


def test_an_operator_may_import_exported_own_events(conference: Conference, tmp_path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text(
        f'{{"type":"checkin","method":"qr","event_id":"own:checkin:1","conference_id":"{conference.id}"}}\n'
    )
    assert import_file(str(path), progress=False).stored == 1


def test_an_undone_check_in_does_not_count(conference: Conference, bob: User) -> None:
    ann, ben = register_ann(conference, "Ann"), register_ann(conference, "Ben")
    first = check_in(ann.id, by=bob).check_in
    check_in(ben.id, by=bob)
    undo_check_in(first.id, by=bob)
    drain()
    assert figures(conference) == (2, 1)
    check_in(ann.id, by=bob)
    drain()
    assert figures(conference) == (2, 2)


def test_a_report_does_not_restore_an_undone_check_in(conference: Conference, bob: User) -> None:
    ann = register_ann(conference)
    undo_check_in(check_in(ann.id, by=bob).check_in.id, by=bob)
    drain()
    report_from_client(
        conference,
        {"type": "checkin", "method": "qr", "registration_id": ann.id},
        {"type": "checkin", "method": "qr", "registration_id": "of another system"},
    )
    assert figures(conference) == (1, 1)


def test_a_later_undo_changes_the_check_ins_day(conference: Conference, bob: User) -> None:
    yesterday = timezone.now() - dt.timedelta(days=1)
    ann = register_ann(conference)
    made = check_in(ann.id, by=bob, now=yesterday).check_in
    drain()
    day = local_date(conference.time_zone, round(yesterday.timestamp() * 1000))
    assert compute_day(conference.id, day).figures["checkins"] == 1
    refresh_dirty_days()
    undo_check_in(made.id, by=bob)
    drain()
    refresh_dirty_days()
    summary = DailySummary.objects.get(date=day)
    assert (summary.figures["checkins"], summary.revision) == (0, 2)


def test_the_sweep_makes_up_for_a_lost_broker(
    conference: Conference, bob: User, valkey: ValkeyServer
) -> None:
    valkey.kill()
    try:
        ann = register_ann(conference)
        undo_check_in(check_in(ann.id, by=bob).check_in.id, by=bob)
        check_in(ann.id, by=bob)
    finally:
        valkey.start()
    assert length() == 0
    assert own_events.send_missing() == 0  # too young: their events may still be on their way
    assert own_events.send_missing(now=timezone.now() + LATER) == 7  # the undone check-in and its entry, too
    drain()
    assert figures(conference) == (1, 1)
    assert own_events.send_missing(now=timezone.now() + LATER) == 0


def test_the_sweep_finds_events_lost_by_the_broker(conference: Conference) -> None:
    register_ann(conference)
    get_redis().flushall()
    now = timezone.now() + LATER
    assert own_events.send_missing(now=now) == 1
    get_redis().flushall()
    assert own_events.send_missing(now=now) == 1
    drain()
    assert own_events.send_missing(now=now) == 0


def test_the_sweep_waits_while_the_stream_is_behind(conference: Conference) -> None:
    register_ann(conference)
    assert length() == 1
    assert own_events.send_missing(now=timezone.now() + LATER) == 0
    assert get_redis().xlen("stream:analytics.events") == 1


def test_the_sweep_continues_from_where_all_was_complete(
    conference: Conference, django_assert_max_num_queries: Callable
) -> None:
    """A sweep reads only the rows of the last minutes, however many there are."""
    now = timezone.now().replace(microsecond=0)  # MongoDB keeps milliseconds
    Registration.objects.bulk_create(
        Registration(
            conference=conference, name="Ann", email=f"{number}@example.com",
            registered_at=now - dt.timedelta(hours=5) + dt.timedelta(seconds=number),
        )
        for number in range(1_200)
    )  # fmt: skip
    assert own_events.send_missing(now=now) == 1_200
    drain()
    assert own_events.send_missing(now=now) == 0
    assert OwnEventSweep.objects.get(kind="reg").complete_until == now - own_events.GRACE
    with django_assert_max_num_queries(3 * len(own_events._kinds)):
        assert own_events.send_missing(now=now + LATER) == 0


def test_a_sweep_by_a_fast_clock_hides_nothing_that_comes_after(conference: Conference) -> None:
    now = timezone.now()
    two_days = dt.timedelta(days=2)
    assert own_events.send_missing(now=now + two_days) == 0
    row = {"conference": conference, "name": "Ann", "registered_at": now}
    Registration.objects.bulk_create([Registration(**row, email="ann@example.com")])
    assert own_events.send_missing(now=now + LATER) == 1
    assert OwnEventSweep.objects.get(kind="reg").complete_until <= now


def test_the_sweep_finds_a_row_committed_late(conference: Conference) -> None:
    now = timezone.now()
    assert own_events.send_missing(now=now) == 0
    Registration.objects.create(
        conference=conference,
        name="Ann",
        email="ann@example.com",
        registered_at=now - dt.timedelta(minutes=5),
    )
    assert own_events.send_missing(now=now + LATER) == 1


def test_deleting_a_registration_leaves_its_event(conference: Conference, bob: User) -> None:
    """Erasing a person's data must not change the statistics of the past."""
    check_in(register_ann(conference).id, by=bob)
    drain()
    Registration.objects.all().delete()
    assert not CheckIn.objects.exists()
    assert figures(conference) == (1, 1)
