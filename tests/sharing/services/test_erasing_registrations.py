"""Erasing a visitor whose id is in ids of registrations: each registration stays one."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.test.utils import CaptureQueriesContext

from analytics import erasing
from analytics.days.summaries import compute_day
from analytics.events.rows import EventRow
from analytics.models import Event
from conferences.models import Conference, ErasedVisitor
from conferences.services.erasing import note_erased
from sharing.models import ShareLink, ShareRegistration
from sharing.services.erasing import erase_person
from sharing.services.rebuilding import rebuild, rederive_registrations
from tests.analytics.builders import NOON
from tests.sharing.cast import state
from tests.sharing.services.test_erasing import (
    STORY,
    VB,
    alike,
    deliver,
    places,
    renamed,
    renamed_events,
    sent,
)

OWN_ID = sent("registration", 9, VB, registration_id=VB, share_code="aaaa")
EARLIER = {**OWN_ID, "event_id": "earlier", "ts": NOON + dt.timedelta(minutes=8.5)}


@pytest.mark.django_db
def test_erasing_a_shared_registration_id_keeps_all_credits(
    conference: Conference,
) -> None:
    deliver(*STORY, OWN_ID, sent("share_open", 5.8, VB, share_code="nowhere"))
    before = [state(), list(ShareRegistration.objects.order_by("ms").values_list("ms", "window_days"))]
    figures = compute_day("summit", NOON.date()).figures
    assert renamed(before, {}).count(f"summit/{VB}") == 3  # a conversion, a credit and an uncredited code
    conference.attribution_window_days = 0  # this window would credit nothing
    conference.save(update_fields=["attribution_window_days"])

    erase_person(conference, VB)
    assert places() == []
    after = [state(), list(ShareRegistration.objects.order_by("ms").values_list("ms", "window_days"))]
    assert alike(after) == alike(before)
    assert compute_day("summit", NOON.date()).figures == figures
    deliver(*STORY, OWN_ID)  # all events are known
    assert alike([state(), after[1]]) == alike(before)


@pytest.mark.django_db
def test_erasing_takes_the_same_queries_in_large_conferences(
    conference: Conference,
) -> None:
    deliver(*STORY, OWN_ID)
    with CaptureQueriesContext(connection) as few:
        erase_person(conference, VB)
    other = "7f3b2c55-vd"
    story = renamed_events([*STORY, OWN_ID], VB, other)
    crowd = [
        event
        for number in range(200)
        for event in (
            sent("share", 1 + number / 1000, f"s{number}", share_code=f"code{number}"),
            sent("share_open", 2 + number / 1000, f"v{number}", share_code=f"code{number}"),
            sent("registration", 3 + number / 1000, f"v{number}", registration_id=f"r{number}"),
        )
    ]
    deliver(*story, *crowd)
    with CaptureQueriesContext(connection) as many:
        erase_person(conference, other)
    assert places(other) == []
    assert len(many) == len(few) < 70
    # One scan reads the claims, because a conference's claims are found by the prefix of their keys.
    assert sum("SUBSTR" in query["sql"] and "sharing_shareclaim" in query["sql"] for query in many) == 1


@pytest.mark.django_db
def test_a_registration_reported_during_an_erasure_stays_one(
    conference: Conference,
) -> None:
    deliver(*STORY, OWN_ID, EARLIER)
    rebuild("summit")
    before = state()
    for model in (*apps.get_app_config("sharing").get_models(), Event):
        model._default_manager.all().delete()

    deliver(*STORY, OWN_ID)
    # A worker died half-way, and a new event is erased on arrival, so both keys exist.
    replacement_id = note_erased("summit", VB)
    erasing.erase_events("summit", VB)
    deliver(EARLIER)
    assert {f"summit/{VB}", f"summit/{replacement_id}"} <= set(
        ShareRegistration.objects.values_list("id", flat=True)
    )
    assert ShareLink.objects.get(code="aaaa").direct == 3

    erase_person(conference, VB)
    assert places() == []
    assert alike(state()) == alike(before)
    rebuild("summit")
    assert alike(state()) == alike(before)


# --- Different reporters ---------------------------------------------------------------------------------

CODE = "7f3b2c55vb"  # an id that is also a share code
OPENED = [
    sent("share", 1, "va", share_code="aaaa"),
    sent("share_open", 2, VB, share_code="aaaa"),
    sent("share_open", 3, "vc", share_code="aaaa"),
]
BY_VB = sent("registration", 6, VB, registration_id=VB, form_id="f")
CHECK_INS = [
    sent("checkin", 50, VB, registration_id=VB, method="qr"),
    sent("checkin", 51, "staff", registration_id=VB, method="qr"),
]
REPORTED = {
    "by another, too": (VB, [*OPENED, BY_VB, sent("registration", 7, "vc", registration_id=VB)]),
    "by another before": (VB, [*OPENED, sent("registration", 5, "vc", registration_id=VB), BY_VB]),
    "by another alone": (VB, [*OPENED, sent("registration", 5, "vc", registration_id=VB)]),
    "by nobody, too": (VB, [*OPENED, BY_VB, sent("registration", 7, None, registration_id=VB)]),
    "by nobody alone": (VB, [*OPENED, sent("registration", 7, None, registration_id=VB, share_code="aaaa")]),
    "and checked in": (VB, [*OPENED, BY_VB, *CHECK_INS]),
    "with a code that is the id": (
        CODE,
        [
            *OPENED,
            sent("share", 3, CODE, share_code=CODE, parent_share_code="aaaa"),
            sent("share_open", 4, CODE, share_code="aaaa"),
            sent("registration", 6, CODE, registration_id=CODE, share_code=CODE),
        ],
    ),
}


@pytest.mark.django_db
@pytest.mark.parametrize("case", REPORTED)
def test_a_registration_stays_one_whenever_its_visitor_is_erased(conference: Conference, case: str) -> None:
    visitor, story = REPORTED[case]

    def result() -> list[Any]:
        registrations = ShareRegistration.objects.order_by("ms").values_list("ms", "event_id", "window_days")
        found = [state(), list(registrations), list(ShareRegistration.objects.values_list("id", "visitor"))]
        return [alike(found, visitor), compute_day("summit", NOON.date()).figures]

    deliver(*story)
    never_erased = result()
    assert ShareRegistration.objects.count() == ShareLink.objects.get(code="aaaa").direct == 1
    for number in range(len(story) + 1):  # events before the erasure; the others come after it
        for model in (*apps.get_app_config("sharing").get_models(), Event, ErasedVisitor):
            model._default_manager.all().delete()
        deliver(*story[:number])
        erase_person(conference, visitor)
        deliver(*story[number:])
        assert result() == never_erased, number
        deliver(*story)
        assert result() == never_erased, number
        rebuild("summit")
        assert result() == never_erased, number
        rederive_registrations("summit")
        assert result() == never_erased, number
        if visitor != CODE:
            assert places() == []
        assert not Event.objects.filter(type__in=("registration", "checkin"), subject__contains=visitor)


@pytest.mark.django_db
def test_a_registration_id_containing_the_visitor_id_stays(conference: Conference) -> None:
    story = [
        *OPENED,
        sent("registration", 5, "vc", registration_id=f"r/{VB}"),
        {**BY_VB, "registration_id": f"r/{VB}"},
    ]
    deliver(*story)
    erase_person(conference, VB)
    deliver(*story)
    assert ShareRegistration.objects.get().id == f"summit/r/{VB}"
    assert ShareLink.objects.get(code="aaaa").direct == 1


@pytest.mark.django_db
def test_two_concurrent_erasures_both_clean_a_common_event(
    conference: Conference, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = "5a9c-vc"
    deliver(BY_VB, sent("registration", 7, other, registration_id=VB, form_id=other))
    is_first = True

    def save(rows: Sequence[EventRow]) -> None:
        nonlocal is_first
        if is_first:
            is_first = False
            erase_person(conference, other)
        save_events(rows)

    save_events = erasing._save
    monkeypatch.setattr(erasing, "_save", save)
    erase_person(conference, VB)
    assert not is_first
    assert places(VB) == places(other) == []


@pytest.mark.django_db
def test_erasing_an_active_visitor_takes_no_more_queries(
    conference: Conference,
) -> None:
    counts = []
    for visitor, number in (("few", 1), ("many", 40)):
        story = [
            sent("share", 1, "va", share_code="aaaa"),
            sent("share_open", 2, visitor, share_code="aaaa"),
            sent("registration", 5, visitor, registration_id=visitor),
            sent("registration", 7, "vc", registration_id=visitor),
            *(
                event
                for n in range(number)
                for event in (
                    sent("share", 3 + n / 1000, visitor, share_code=f"{number}code{n}", channel=visitor),
                    sent("registration", 6 + n / 1000, visitor, registration_id=f"{visitor}{n}"),
                )
            ),
        ]
        deliver(*({**event, "event_id": f"{event['event_id']}/{number}"} for event in story))
        with CaptureQueriesContext(connection) as queries:
            erase_person(conference, visitor)
        counts.append(len(queries))
    assert ShareRegistration.objects.count() == ShareLink.objects.get(code="aaaa").direct == 43
    assert counts[0] == counts[1] < 70
