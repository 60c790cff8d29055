"""A person who cancelled and registers again has the same registration, as if it were new."""

import datetime as dt
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.contrib.auth.models import User
from django.db import connection, connections
from rest_framework.test import APIClient

from analytics.days.figures import compute_figures
from analytics.days.zones import local_date
from conferences import services
from conferences.models import Conference, Registration, StateChange
from conferences.services.registrations import decide, register
from conferences.states import Action
from console.services.people import add_person
from meeteasy.core.errors import RefusedError
from notifications.models import Notification
from notifications.rendering import render_mail
from sharing.models import Credit
from tests.analytics.builders import NOON, store
from tests.analytics.streams import make_drain, run

pytestmark = pytest.mark.django_db(transaction=True)

DAY = dt.timedelta(days=1)


def send_form(conference: Conference, name: str = "Ann", *, at: dt.datetime, **fields: str) -> Registration:
    return register(
        conference=conference, name=name, email=f"{name.lower()}@example.com", now=at, **fields
    ).registration


def cancel(registration: Registration, *, at: dt.datetime) -> None:
    decide(registration.id, Action.CANCEL, by=None, now=at)


def mails() -> list[str]:
    return list(Notification.objects.order_by("created_at").values_list("message_type", flat=True))


def test_the_registration_stays_the_same_one(conference: Conference) -> None:
    first = send_form(conference, at=NOON, phone="+8613800138000", visitor_id="v1", share_code="code1")
    cancel(first, at=NOON + DAY)
    again = register(
        conference=conference, name="Ann Li", email="ann@example.com",
        visitor_id="v2", share_code="code2", now=NOON + 2 * DAY,
    )  # fmt: skip

    assert (again.registration.pk, again.created, again.state) == (first.pk, True, "approved")
    stored = Registration.objects.get()
    assert (stored.name, stored.phone, stored.state) == ("Ann Li", "", "approved")
    assert "ann li" in stored.search_text
    assert (stored.registered_at, stored.visitor_id, stored.share_code) == (NOON, "v1", "code1")
    changes = StateChange.objects.order_by("changed_at").values_list("state", "changed_at")
    assert list(changes) == [("cancelled", NOON + DAY), ("approved", NOON + 2 * DAY)]


def test_each_time_has_its_mails(conference: Conference) -> None:
    ann = send_form(conference, at=NOON)
    for day in (1, 3):
        cancel(ann, at=NOON + day * DAY)
        send_form(conference, at=NOON + (day + 1) * DAY)
    confirmed, cancelled = "registration_confirmation", "cancellation"
    assert sorted(mails()) == sorted([confirmed, cancelled, confirmed, cancelled, confirmed])


def test_the_calendar_entry_comes_back(conference: Conference) -> None:
    """Calendars ignore what has a lower SEQUENCE than they know (RFC 5546 §2.1.4)."""
    services.update_conference(conference, starts_at=NOON + 9 * DAY, ends_at=NOON + 10 * DAY)
    ann = send_form(conference, at=NOON)
    cancel(ann, at=NOON + DAY)
    send_form(conference, at=NOON + 2 * DAY)
    versions = []
    for message_type, standing_version in (("registration_confirmation", 2), ("cancellation", 1)):
        row = Notification.objects.filter(message_type=message_type).order_by("-created_at")[0]
        ann = Registration.objects.select_related("conference").get()
        ann.standing_version = standing_version
        invitation = render_mail(row, ann).invitation
        assert invitation is not None
        versions.append(dict(re.findall(r"(SEQUENCE|UID):(\S+)", invitation.content.decode())))
    back, gone = versions
    assert (back["UID"], back["SEQUENCE"], gone["SEQUENCE"]) == (gone["UID"], "2", "1")


def test_it_counts_once_on_its_first_day_and_keeps_its_credit(conference: Conference) -> None:
    share = {"type": "share", "visitor_id": "sharer", "share_code": "shared-code", "channel": "wechat"}
    opened = {"type": "share_open", "visitor_id": "v1", "share_code": "shared-code"}
    store({"event_id": "s", "ts": NOON - DAY, **share}, {"event_id": "o", "ts": NOON - DAY / 2, **opened})
    store({"event_id": "o2", "ts": NOON + DAY, **opened, "visitor_id": "v2"})
    ann = send_form(conference, at=NOON, visitor_id="v1")
    counts = []
    for step in (lambda: None, lambda: cancel(ann, at=NOON + DAY), lambda: send_form(
        conference, at=NOON + 2 * DAY, visitor_id="v2"
    )):  # fmt: skip
        step()
        run(make_drain())
        days = [local_date("Asia/Shanghai", round((NOON + n * DAY).timestamp() * 1000)) for n in range(3)]
        found = [compute_figures(conference.id, day) for day in days]
        counts.append([(day["registrations"], day["share_conversions"]) for day in found])
    assert counts == [[(1, 1), (0, 0), (0, 0)], [(0, 0)] * 3, [(1, 1), (0, 0), (0, 0)]]
    assert Credit.objects.count() == 1


def test_the_conference_asks_for_approval_again(conference: Conference, bob: User) -> None:
    services.update_conference(conference, approval_required=True)
    ann = send_form(conference, at=NOON)
    decide(ann.id, Action.APPROVE, by=bob, now=NOON)
    cancel(ann, at=NOON + DAY)
    assert send_form(conference, at=NOON + 2 * DAY).state == "pending"
    assert mails().count("pending_approval") == 2
    decide(ann.id, Action.APPROVE, by=bob, now=NOON + 3 * DAY)
    assert mails().count("approval") == 2


def test_a_full_conference_takes_nobody_back(conference: Conference) -> None:
    services.update_conference(conference, capacity=1, waiting_list=False)
    ann = send_form(conference, at=NOON)
    cancel(ann, at=NOON)
    send_form(conference, "Ben", at=NOON)
    with pytest.raises(RefusedError, match="taken"):
        send_form(conference, at=NOON + DAY)
    assert Registration.objects.get(pk=ann.pk).state == "cancelled"


def test_who_comes_back_waits_behind_the_others(conference: Conference) -> None:
    services.update_conference(conference, capacity=1, waiting_list=True)
    ann = send_form(conference, at=NOON)
    ben = send_form(conference, "Ben", at=NOON + DAY)
    cancel(ann, at=NOON + DAY)
    cid = send_form(conference, "Cid", at=NOON + 2 * DAY)
    assert send_form(conference, at=NOON + 3 * DAY).state == "waiting"
    cancel(ben, at=NOON + 4 * DAY)
    states = dict(Registration.objects.values_list("name", "state"))
    assert states == {"Ann": "waiting", "Ben": "cancelled", "Cid": "approved"}
    cancel(cid, at=NOON + 5 * DAY)
    assert Registration.objects.get(pk=ann.pk).state == "approved"


def test_a_rejected_person_stays_rejected(conference: Conference, bob: User) -> None:
    services.update_conference(conference, approval_required=True)
    ann = send_form(conference, at=NOON)
    decide(ann.id, Action.REJECT, by=bob)
    outcome = register(conference=conference, name="Ann", email="ann@example.com")
    assert (outcome.created, Registration.objects.get().state) == (False, "rejected")


def test_the_form_does_not_show_who_cancelled(
    conference: Conference, api: Callable[[User | None], APIClient]
) -> None:
    cancel(send_form(conference, at=NOON), at=NOON)
    answers = [
        api(None).post(
            "/api/conferences/summit/registrations", {"name": "X", "email": f"{name}@example.com"}, "json"
        )
        for name in ("ann", "stranger")
    ]
    known, new = (answer.json() for answer in answers)
    assert [answer.status_code for answer in answers] == [201, 201]
    assert known.keys() == new.keys()
    differing = {name for name in known if known[name] != new[name]}
    assert all(isinstance(known[name], str) and len(known[name]) == len(new[name]) for name in differing)
    assert known["state"] == new["state"]


def test_by_hand_without_mail_nobody_is_written_to(conference: Conference, bob: User) -> None:
    cancel(send_form(conference, at=NOON), at=NOON)
    before = len(mails())
    person = {"name": "Ann", "email": "ann@example.com"}
    made = add_person(conference, by=bob, sends_mail=False, **person)
    assert (made.created, made.registration.decided_by, len(mails())) == (True, bob, before)
    cancel(made.registration, at=NOON + DAY)
    add_person(conference, by=bob, sends_mail=True, **person)
    assert mails().count("registration_confirmation") == 2


def test_two_requests_at_once_reinstate_it_once(conference: Conference) -> None:
    if connection.vendor == "sqlite":
        pytest.skip("SQLite has one writer")
    cancel(send_form(conference, at=NOON), at=NOON)

    def send(_: int) -> bool:
        try:
            return register(conference=conference, name="Ann", email="ann@example.com").created
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(send, range(4))) == [False, False, False, True]
    assert Registration.objects.get().state == "approved"
    assert StateChange.objects.filter(state="approved").count() == 1
