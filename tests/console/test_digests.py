"""The mail digest: in the morning of the conference's zone, once a period, with the figures of the API."""

import datetime as dt
import re
import smtplib
from collections.abc import Callable
from typing import Any

import pytest
import redis
from django.contrib.auth.models import User
from django.core import mail
from django.db.models.signals import pre_save
from django.test import Client
from django.utils import timezone

from analytics.days.summaries import refresh_dirty_days
from analytics.stream.queue import STREAM
from conferences.models import Conference, Member
from console.models import Digest, OrganizerMail
from console.services import mailing
from console.services.digests import choose_digest, write_due
from tests.analytics.builders import DAY
from tests.console.builders import build_branch
from tests.console.conftest import Browser
from tests.console.test_signing_in import send_waiting_mails

pytestmark = pytest.mark.django_db

PAGE = "/console/c/summit/settings/digest/"
SHANGHAI = dt.timezone(dt.timedelta(hours=8))
# The morning after the day on which everything happens, a Saturday.
MORNING = dt.datetime(2026, 5, 2, 8, 1, tzinfo=SHANGHAI)
MONDAY = dt.datetime(2026, 5, 4, 8, 1, tzinfo=SHANGHAI)
LONG_AGO = MORNING - dt.timedelta(days=30)
WaitSince = Callable[[dt.datetime], None]


def subscribe(user: User, period: str = "daily", **other: Any) -> Digest:
    member = Member.objects.get(user=user, conference_id="summit")
    made = choose_digest(member, period, **{"language": "en", "now": LONG_AGO, **other})
    assert made is not None
    return made


@pytest.fixture
def busy(conference: Conference) -> Conference:
    build_branch(conference)
    refresh_dirty_days()
    return conference


def test_a_member_chooses_and_ends_a_digest(conference: Conference, victor: User, browser: Browser) -> None:
    client = browser(victor)
    client.post(PAGE, {"period": "weekly", "language": "zh-hans"})
    chosen = Digest.objects.get()
    assert (chosen.member.user, chosen.period, chosen.language) == (victor, "weekly", "zh-hans")
    assert "checked" in client.get(PAGE).content.decode()
    client.post(PAGE, {"period": "", "language": "en"})
    assert not Digest.objects.exists()
    assert client.post(PAGE, {"period": "hourly", "language": "en"}).context["form"].errors.keys() == {
        "period"
    }


def test_without_a_mail_address_there_is_no_digest(
    conference: Conference, bob: User, browser: Browser
) -> None:
    User.objects.filter(pk=bob.pk).update(email="")
    page = browser(bob).post(PAGE, {"period": "daily", "language": "en"})
    assert "no mail address" in page.content.decode()
    assert not Digest.objects.exists()


def test_a_digest_comes_once_in_the_morning(busy: Conference, alice: User) -> None:
    subscribe(alice)
    assert write_due(now=MORNING - dt.timedelta(hours=1)) == 1  # of the day before, on which nothing happened
    OrganizerMail.objects.all().delete()
    assert write_due(now=MORNING) == 1
    assert write_due(now=MORNING + dt.timedelta(hours=5)) == 0
    OrganizerMail.objects.update(status=OrganizerMail.Status.SENT)
    assert write_due(now=MORNING + dt.timedelta(hours=9)) == 0
    assert write_due(now=MORNING + dt.timedelta(days=1)) == 1


def test_a_choice_begins_with_the_running_period(busy: Conference, alice: User) -> None:
    subscribe(alice, now=MORNING + dt.timedelta(hours=3))
    assert write_due(now=MORNING + dt.timedelta(hours=4)) == 0
    assert write_due(now=MORNING + dt.timedelta(days=1)) == 1


def test_a_weekly_digest_comes_on_monday(busy: Conference, alice: User) -> None:
    subscribe(alice, "weekly", now=MORNING)
    assert write_due(now=MONDAY - dt.timedelta(hours=2)) == 0
    assert write_due(now=MONDAY) == 1
    assert write_due(now=MONDAY + dt.timedelta(days=3)) == 0
    assert OrganizerMail.objects.get().about.endswith(":weekly:2026-05-03")


def test_nothing_goes_to_those_who_may_not_look(
    busy: Conference, alice: User, bob: User, victor: User
) -> None:
    for user in (alice, bob, victor):
        subscribe(user)
    Member.objects.filter(user=bob).update(role=Member.Role.STEWARD)
    Member.objects.filter(user=victor).delete()
    assert write_due(now=MORNING) == 1
    assert OrganizerMail.objects.get().recipient == alice.email
    Conference.objects.update(archived_at=timezone.now())
    assert write_due(now=MORNING + dt.timedelta(days=1)) == 0


def test_the_mail_has_the_figures_of_api_and_overview(
    busy: Conference, alice: User, browser: Browser, api: Any
) -> None:
    subscribe(alice)
    write_due(now=MORNING)
    send_waiting_mails()
    (sent,) = mail.outbox
    asked = {"from": str(DAY), "to": str(DAY)}
    summary = (
        api(alice).get("/api/analytics/summary", {"conference_id": "summit", "limit": 5, **asked}).json()
    )
    names = {
        "Visitors": "uv", "Page views": "pv", "Visits": "visits", "Share opens": "share_opens",
        "Shares": "shares", "Registrations": "registrations", "Through sharing": "share_conversions",
        "Check-ins": "checkins",
    }  # fmt: skip
    found = dict(re.findall(r"^([A-Z][a-z -]+): (\d+) \(", sent.body, re.M))
    assert {names[label]: int(count) for label, count in found.items()} == {
        name: summary["totals"][name] for name in names.values()
    }
    assert (found["Registrations"], found["Through sharing"]) == ("5", "3")
    tiles = browser(alice).get("/console/c/summit/", asked).context["tiles"]
    for name, label in (
        ("visitors", "Visitors"), ("views", "Page views"), ("registrations", "Registrations"),
        ("share_conversions", "Through sharing"), ("checkins", "Check-ins"), ("opens", "Share opens"),
    ):  # fmt: skip
        assert int(found[label]) == tiles[name]["now"], name
    channels = {row["value"]: row["count"] for row in summary["panels"]["channels"]["rows"]}
    assert f"WeChat: {channels['wechat']}" in sent.body
    assert ">5</td>" in str(sent.alternatives[0][0])
    assert "Summit: 1 May 2026" in sent.subject


def test_the_mail_is_in_the_chosen_language(busy: Conference, alice: User) -> None:
    subscribe(alice, language="zh-hans")
    write_due(now=MORNING)
    send_waiting_mails()
    assert "访客" in mail.outbox[0].body
    assert "2026年5月1日" in mail.outbox[0].subject


def test_a_day_without_anything_sends_no_mail(conference: Conference, alice: User) -> None:
    subscribe(alice)
    assert write_due(now=MORNING) == 1
    send_waiting_mails()
    assert not mail.outbox
    assert OrganizerMail.objects.get().status == OrganizerMail.Status.DROPPED


@pytest.fixture
def wait_since(emptying_client: redis.Redis) -> WaitSince:
    """Lets an event wait for a worker since an instant."""

    def append(at: dt.datetime) -> None:
        emptying_client.xadd(STREAM, {"v": "2", "e": ""}, id=f"{at.timestamp() * 1000:.0f}-1")

    return append


def test_while_workers_are_behind_no_digest_is_written(
    busy: Conference, alice: User, emptying_client: redis.Redis, wait_since: WaitSince
) -> None:
    subscribe(alice)
    wait_since(MORNING - dt.timedelta(minutes=5))
    assert write_due(now=MORNING) == 0
    emptying_client.delete(STREAM)
    wait_since(MORNING - dt.timedelta(seconds=5))  # as at any time while events come
    assert write_due(now=MORNING + dt.timedelta(seconds=30)) == 1


def test_a_digest_waits_for_events_that_came_before_it(
    conference: Conference,
    alice: User,
    emptying_client: redis.Redis,
    wait_since: WaitSince,
) -> None:
    """They may be all that happened: without them the mail would be dropped for good."""
    subscribe(alice)
    assert write_due(now=MORNING) == 1
    wait_since(timezone.now() - dt.timedelta(hours=1))
    send_waiting_mails()
    waiting = OrganizerMail.objects.get()
    assert waiting.status == OrganizerMail.Status.QUEUED
    assert waiting.scheduled_for > timezone.now()

    build_branch(conference)
    refresh_dirty_days()
    emptying_client.delete(STREAM)
    wait_since(timezone.now() + dt.timedelta(seconds=1))  # later ones never hold it up
    mailing.send_mail(str(waiting.pk), now=waiting.scheduled_for)
    assert len(mail.outbox) == 1


def test_the_link_in_the_mail_ends_the_digest(busy: Conference, alice: User) -> None:
    subscribe(alice)
    write_due(now=MORNING)
    send_waiting_mails()
    (link,) = re.findall(r"https?://[^/]+(/console/digest/\S+)", mail.outbox[0].body)
    assert link in mail.outbox[0].extra_headers["List-Unsubscribe"]
    client = Client(enforce_csrf_checks=True)
    assert client.get(link).status_code == 200
    assert Digest.objects.exists(), "mail scanners open every link"
    assert client.post(link, {"List-Unsubscribe": "One-Click"}).status_code == 200
    assert not Digest.objects.exists()
    assert client.post(link).status_code == client.get(link).status_code == 200
    assert client.get(f"{link[:-2]}x/").status_code == 404


def leave_as_killed(row: OrganizerMail, *, called: bool) -> dt.datetime:
    """Leave the row as a worker does that is killed while it sends. Returns when its lease is over."""
    now = timezone.now()
    OrganizerMail.objects.filter(pk=row.pk).update(
        status=OrganizerMail.Status.SENDING, lease_token="dead", lease_until=now,
        called_at=now if called else None,
    )  # fmt: skip
    return now + dt.timedelta(hours=1)


def test_a_worker_that_dies_while_sending_sends_no_copy(busy: Conference, alice: User) -> None:
    subscribe(alice)
    write_due(now=MORNING)
    send_waiting_mails()
    row = OrganizerMail.objects.get()
    assert row.called_at is not None
    later = leave_as_killed(row, called=True)
    mailing.sweep_mails(now=later)
    row.refresh_from_db()
    assert row.status == OrganizerMail.Status.FAILED
    assert "may have arrived" in row.last_error
    mailing.send_mail(str(row.pk), now=later)
    assert write_due(now=MORNING) == 0
    assert len(mail.outbox) == 1


def test_a_worker_that_dies_before_sending_costs_nothing(busy: Conference, alice: User) -> None:
    subscribe(alice)
    write_due(now=MORNING)
    row = OrganizerMail.objects.get()
    later = leave_as_killed(row, called=False)
    mailing.sweep_mails(now=later)
    mailing.send_mail(str(row.pk), now=later)
    assert len(mail.outbox) == 1


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (smtplib.SMTPDataError(451, b"try later"), OrganizerMail.Status.QUEUED),
        (TimeoutError("no answer"), OrganizerMail.Status.FAILED),
    ],
)
def test_only_a_certain_failure_is_tried_again(
    busy: Conference, alice: User, monkeypatch: pytest.MonkeyPatch, error: Exception, status: str
) -> None:
    from django.core.mail.backends.locmem import EmailBackend

    def fail(self: Any, messages: Any) -> int:
        raise error

    subscribe(alice)
    write_due(now=MORNING)
    monkeypatch.setattr(EmailBackend, "send_messages", fail)
    send_waiting_mails()
    assert OrganizerMail.objects.get().status == status


def test_a_crash_between_note_and_mail_leaves_neither(busy: Conference, alice: User) -> None:
    def crash(**kwargs: Any) -> None:
        raise RuntimeError("killed")

    chosen = subscribe(alice)
    pre_save.connect(crash, sender=OrganizerMail)
    try:
        with pytest.raises(RuntimeError):
            write_due(now=MORNING)
    finally:
        pre_save.disconnect(crash, sender=OrganizerMail)
    chosen.refresh_from_db()
    assert chosen.written_until is None
    assert write_due(now=MORNING) == 1
