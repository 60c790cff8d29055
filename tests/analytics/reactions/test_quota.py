"""Reports beyond a quota are held: they are stored and count nowhere until an organizer decides."""

from typing import Any

import pytest

from analytics.days.figures import compute_figures
from analytics.events.rows import EventRow
from analytics.models import Event
from analytics.reactions.pipeline import store_and_react
from analytics.stream.entry import decode_entry, encode_batch, encode_batches
from conferences.models import Conference
from meeteasy.core.redis import get_redis
from tests.analytics.builders import DAY, NOON, own_row, to_row

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _quota(settings: Any) -> None:
    settings.REPORTS_PER_CLIENT_HOUR, settings.REPORTS_PER_CONFERENCE_HOUR = 5, 12


def report(number: int, *, client: str = "thief", kind: str = "registration", **fields: Any) -> EventRow:
    event = {"event_id": f"e{number:04d}", "type": kind, "ts": NOON, "registration_id": f"r{number}"}
    row = to_row({**event, **fields})
    row.client = client
    return row


def figures() -> tuple[int, int, int]:
    """Return registrations, check-ins and held reports of 1 May."""
    found = compute_figures("summit", DAY)
    return found["registrations"], found["checkins"], found["held"]


def test_500_registrations_of_one_client_count_five(conference: Conference) -> None:
    store_and_react([report(number) for number in range(500)])

    assert Event.objects.count() == 500, "none is lost"
    assert figures() == (5, 0, 495)


def test_many_clients_share_the_conferences_quota(conference: Conference) -> None:
    for number in range(30):
        store_and_react([report(number, client=f"c{number % 10}")])

    assert figures() == (12, 0, 18)


def test_registrations_and_check_ins_share_a_quota(conference: Conference) -> None:
    store_and_react([report(number, kind="checkin") for number in range(3)])
    store_and_react([report(number) for number in range(10, 14)])

    assert figures() == (2, 3, 2)


def test_a_redelivery_decides_the_same_and_costs_no_quota(conference: Conference) -> None:
    rows = [report(number) for number in range(8)]
    for _ in range(3):
        store_and_react([report(number) for number in range(8)])
    assert figures() == (5, 0, 3)

    Event.objects.all().delete()  # as if the worker had died before the insert
    store_and_react(rows)
    assert figures() == (5, 0, 3)


def test_a_new_hour_has_a_new_quota(conference: Conference) -> None:
    store_and_react([report(number) for number in range(6)])
    later = [report(number) for number in range(10, 16)]
    for row in later:
        row.received_ms += 3_600_000
    store_and_react(later)

    assert figures() == (10, 0, 2)


def test_confirmed_and_imported_events_and_views_are_never_held(conference: Conference) -> None:
    own = {"type": "registration", "ts": NOON, "form_id": "f"}
    store_and_react([report(number) for number in range(5)])
    for n in range(20):
        store_and_react([own_row({**own, "event_id": f"own:reg:o{n}", "registration_id": f"o{n}"})])
    store_and_react([report(number, client="") for number in range(100, 120)])  # an import

    assert figures() == (45, 0, 0)


def test_a_quota_remembers_no_more_than_its_limit(conference: Conference) -> None:
    """Any events may be sent, even for conferences that do not exist."""
    for number in range(40):
        store_and_react([report(number, conference_id=f"none-{number}"), report(number + 100)])

    keys = list(get_redis().scan_iter("reports:*"))
    assert len(keys) == 2
    assert all(get_redis().scard(key) <= 12 for key in keys)
    assert all(0 < get_redis().ttl(key) <= 7200 for key in keys)


def test_the_client_travels_through_the_stream(conference: Conference) -> None:
    from analytics.event_types.registration import RegistrationEvent
    from analytics.events.batch import Batch

    event = RegistrationEvent(
        conference_id="summit", event_id="e1", visitor_id="v", ts=1_777_608_000_000, form_id="f"
    )
    (row,) = decode_entry(encode_batches([encode_batch(Batch(1_777_608_000_005, False, [event], "c1"))]))
    assert row.client == "c1"
