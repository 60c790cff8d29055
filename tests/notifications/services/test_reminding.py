"""Reminders: beat finds them from the conference's settings and sends each once, not at night."""

import datetime as dt
import zoneinfo
from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from conferences.models import Conference, Registration
from conferences.services.checkins import check_in
from conferences.services.registrations import decide
from conferences.states import Action
from notifications import quiet_hours
from notifications.models import Notification, ReminderRound, Suppression
from notifications.services import sweeping
from notifications.services.delivering import deliver
from notifications.services.reminding import plan_reminders
from tests.notifications.servers import MailServer

pytestmark = pytest.mark.django_db
Attend = Callable[..., Registration]
Status = Notification.Status


@pytest.fixture
def soon(conference: Conference) -> Conference:
    """A conference that begins in 20 hours. Reminders are due 24 and 2 hours before."""
    conference.starts_at = timezone.now() + dt.timedelta(hours=20)
    conference.reminder_hours_before = [24, 2]
    conference.save()
    return conference


@pytest.fixture
def attend_early(attend: Attend) -> Attend:
    """`attend` for people who registered two days ago."""
    return lambda **fields: attend(now=timezone.now() - dt.timedelta(days=2), **fields)


def reminders(channel: str = "email") -> list[Notification]:
    return list(
        Notification.objects.filter(message_type="checkin_reminder", channel=channel).order_by("recipient")
    )


def test_due_attendees_get_one_reminder_per_channel(soon: Conference, attend_early: Attend) -> None:
    attend_early(email="a@example.com")
    attend_early(email="b@example.com", phone="")
    for _ in range(3):
        plan_reminders("email")
        plan_reminders("sms")
    assert [row.recipient for row in reminders()] == ["a@example.com", "b@example.com"]
    assert [row.recipient for row in reminders("sms")] == ["+8613800138000"]
    assert reminders()[0].facts["hours_before"] == 24
    assert reminders()[0].facts["starts_at"] == soon.starts_at.isoformat()


def test_reminders_resume_after_a_crash_without_duplicates(soon: Conference, attend_early: Attend) -> None:
    attend_early(email="a@example.com")
    plan_reminders("email")
    attend_early(email="b@example.com")
    ReminderRound.objects.all().delete()  # as if the worker had died before it recorded the round
    plan_reminders("email")
    assert [row.recipient for row in reminders()] == ["a@example.com", "b@example.com"]


def test_late_registrants_only_get_the_next_reminder(
    soon: Conference, attend: Attend, attend_early: Attend
) -> None:
    attend_early(email="early@example.com")
    attend(email="late@example.com")
    plan_reminders("email")
    assert [row.recipient for row in reminders()] == ["early@example.com"]
    Notification.objects.all().delete()
    Conference.objects.update(starts_at=timezone.now() + dt.timedelta(minutes=90))
    Registration.objects.update(registered_at=timezone.now() - dt.timedelta(hours=5))
    plan_reminders("email")
    assert [row.recipient for row in reminders()] == ["early@example.com", "late@example.com"]
    assert reminders()[0].facts["hours_before"] == 2


def test_an_outage_does_not_bunch_up_reminders(soon: Conference, attend_early: Attend) -> None:
    attend_early()
    Conference.objects.update(starts_at=timezone.now() + dt.timedelta(hours=1))
    plan_reminders("email")
    assert [row.facts["hours_before"] for row in reminders()] == [2]


def test_cancelled_and_checked_in_attendees_are_not_reminded(soon: Conference, attend_early: Attend) -> None:
    decide(attend_early(email="cancelled@example.com").id, Action.CANCEL, by=None)
    check_in(attend_early(email="there@example.com").id, by=None)
    attend_early(email="due@example.com")
    plan_reminders("email")
    assert [row.recipient for row in reminders()] == ["due@example.com"]


def test_reminders_are_off_without_settings(soon: Conference, attend_early: Attend) -> None:
    attend_early()
    Conference.objects.update(reminder_hours_before=[])
    assert plan_reminders("email") == 0
    Conference.objects.update(reminder_hours_before=[24], starts_at=timezone.now() - dt.timedelta(hours=1))
    assert plan_reminders("email") == 0
    Conference.objects.update(starts_at=None)
    assert plan_reminders("email") == 0
    assert reminders() == []


def test_a_moved_conference_sends_new_reminders(soon: Conference, attend_early: Attend) -> None:
    attend_early()
    plan_reminders("email")
    Conference.objects.update(starts_at=timezone.now() + dt.timedelta(hours=23))
    plan_reminders("email")
    assert len(reminders()) == 2


def test_the_sweeper_queues_written_reminders(
    soon: Conference, attend_early: Attend, mail_server: MailServer
) -> None:
    attend_early()
    plan_reminders("email")
    (row,) = reminders()
    assert row.rung_at is None
    sweeping.sweep("email")
    row.refresh_from_db()
    assert row.rung_at is not None
    assert deliver(row.pk) == Status.SENT
    assert mail_server.mails[0]["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_reminders_of_cancelled_registrations_are_not_sent(
    soon: Conference, attend_early: Attend, mail_server: MailServer
) -> None:
    registration = attend_early()
    plan_reminders("email")
    decide(registration.id, Action.CANCEL, by=None)
    assert deliver(reminders()[0].pk) == Status.SUPPRESSED
    assert mail_server.mails == []


def test_reminders_are_not_sent_after_the_start(
    soon: Conference, attend_early: Attend, mail_server: MailServer
) -> None:
    attend_early()
    plan_reminders("email")
    begun = timezone.now() - dt.timedelta(minutes=1)
    Conference.objects.update(starts_at=begun)
    (row,) = reminders()
    Notification.objects.filter(pk=row.pk).update(facts={**row.facts, "starts_at": begun.isoformat()})
    assert deliver(row.pk) == Status.SUPPRESSED
    row.refresh_from_db()
    assert row.last_error == "it came too late to be of use"


def test_unsubscribed_addresses_still_get_transactional_messages(
    soon: Conference, attend_early: Attend, mail_server: MailServer
) -> None:
    attend_early(email="Dora@example.com")
    plan_reminders("email")
    Suppression.objects.create(
        channel="email", address="dora@example.com", scope="reminders", conference_id="summit",
        reason="unsubscribed",
    )  # fmt: skip
    assert deliver(reminders()[0].pk) == Status.SUPPRESSED
    confirmation = Notification.objects.get(message_type="registration_confirmation")
    assert deliver(confirmation.pk) == Status.SENT


def local(hour: int, minute: int = 0, *, day: int = 10, zone: str = "Asia/Shanghai") -> dt.datetime:
    return dt.datetime(2027, 3, day, hour, minute, tzinfo=zoneinfo.ZoneInfo(zone))


@pytest.mark.parametrize(
    ("hours", "moment", "allowed"),
    [
        ((dt.time(22), dt.time(8)), local(21, 59), local(21, 59)),
        ((dt.time(22), dt.time(8)), local(22), local(8, day=11)),
        ((dt.time(22), dt.time(8)), local(23, 30), local(8, day=11)),
        ((dt.time(22), dt.time(8)), local(3), local(8)),
        ((dt.time(22), dt.time(8)), local(7, 59), local(8)),
        ((dt.time(22), dt.time(8)), local(8), local(8)),
        ((dt.time(12), dt.time(14)), local(13), local(14)),
        ((dt.time(12), dt.time(14)), local(14), local(14)),
        ((dt.time(8), dt.time(8)), local(8), local(8)),
        ((None, None), local(3), local(3)),
    ],
)
def test_quiet_hours_follow_the_conferences_zone(
    conference: Conference, hours: Any, moment: dt.datetime, allowed: dt.datetime
) -> None:
    conference.quiet_from, conference.quiet_until = hours
    assert quiet_hours.next_allowed(moment.astimezone(dt.UTC), conference) == allowed


def test_quiet_hours_handle_clock_changes(conference: Conference) -> None:
    """In New York, 14 March 2027 has no 02:30, and its eight o'clock is at 12:00 UTC, not 13:00."""
    conference.time_zone = "America/New_York"
    conference.quiet_from, conference.quiet_until = dt.time(22), dt.time(8)
    late = dt.datetime(2027, 3, 14, 4, 0, tzinfo=dt.UTC)  # 23:00 of the 13th
    assert quiet_hours.next_allowed(late, conference) == dt.datetime(2027, 3, 14, 12, 0, tzinfo=dt.UTC)


def test_reminders_wait_at_night_but_confirmations_do_not(
    soon: Conference, attend_early: Attend, mail_server: MailServer
) -> None:
    here = timezone.now().astimezone(zoneinfo.ZoneInfo(soon.time_zone))
    Conference.objects.update(
        quiet_from=(here - dt.timedelta(hours=1)).time(), quiet_until=(here + dt.timedelta(hours=1)).time()
    )
    soon.refresh_from_db()
    registration = attend_early()
    plan_reminders("email")
    (row,) = reminders()
    assert dt.timedelta(minutes=59) < row.scheduled_for - timezone.now() <= dt.timedelta(hours=1)
    assert deliver(row.pk) is None
    # A second attempt at night is also postponed and does not count as an attempt.
    Notification.objects.filter(pk=row.pk).update(scheduled_for=timezone.now())
    assert deliver(row.pk) == Status.QUEUED
    row.refresh_from_db()
    assert row.attempts == 0
    assert row.scheduled_for > timezone.now() + dt.timedelta(minutes=58)
    confirmation = Notification.objects.get(
        message_type="registration_confirmation", registration_id=registration.id
    )
    assert deliver(confirmation.pk) == Status.SENT
