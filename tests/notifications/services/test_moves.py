"""Messages are judged and rendered when they are sent: moved, renamed and cancelled conferences."""

import datetime as dt
import zoneinfo
from collections.abc import Callable
from email.message import EmailMessage
from typing import Any

import pytest
from django.utils import timezone
from icalendar import Calendar

from conferences.models import CheckIn, Conference, Registration
from conferences.services import cancel_conference
from conferences.services.checkins import check_in
from conferences.services.registrations import register
from meeteasy.core.errors import RefusedError
from notifications.models import CalendarRevision, Notification
from notifications.services import announcing, outbox, reminding
from notifications.services.delivering import deliver
from notifications.services.revising import read_sequence
from tests.notifications.servers import MailServer, SmsServer

pytestmark = pytest.mark.django_db
Attend = Callable[..., Registration]
Status = Notification.Status
START = dt.datetime(2027, 5, 18, 1, 0, tzinfo=dt.UTC)  # 09:00 in Shanghai


@pytest.fixture
def summit(conference: Conference) -> Conference:
    conference.time_zone, conference.starts_at = "Asia/Shanghai", START
    conference.ends_at = START + dt.timedelta(hours=8)
    conference.save()
    return conference


@pytest.fixture
def soon(conference: Conference) -> Conference:
    """A conference that begins in 20 hours. Reminders are due 24 hours before."""
    conference.starts_at, conference.reminder_hours_before = timezone.now() + dt.timedelta(hours=20), [24]
    conference.save()
    return conference


def sent(server: MailServer, row: Notification) -> EmailMessage:
    assert deliver(row.pk) == Status.SENT
    return server.mails[-1]


def event_of(mail: EmailMessage) -> Any:
    (part,) = (part for part in mail.walk() if part.get_content_type() == "text/calendar")
    return Calendar.from_ical(part.get_content()).walk("VEVENT")[0]


def remind(attend: Attend, channel: str = "email") -> Notification:
    attend(now=timezone.now() - dt.timedelta(days=2))
    reminding.plan_reminders(channel)
    return Notification.objects.get(message_type="checkin_reminder", channel=channel)


@pytest.mark.parametrize("channel", ["email", "sms"])
def test_a_waiting_reminder_is_dropped_after_a_move(
    soon: Conference, attend: Attend, mail_server: MailServer, channel: str
) -> None:
    row = remind(attend, channel)
    soon.starts_at += dt.timedelta(days=7)
    soon.save()
    assert deliver(row.pk) == Status.SUPPRESSED
    row.refresh_from_db()
    assert "moved" in row.last_error
    assert mail_server.mails == []


def test_the_new_date_gets_its_own_reminder(
    soon: Conference, attend: Attend, mail_server: MailServer
) -> None:
    remind(attend)
    soon.starts_at += dt.timedelta(hours=2)
    soon.save()
    reminding.plan_reminders("email")
    old, new = Notification.objects.filter(message_type="checkin_reminder").order_by("id")
    assert (deliver(old.pk), deliver(new.pk)) == (Status.SUPPRESSED, Status.SENT)
    local = soon.starts_at.astimezone(zoneinfo.ZoneInfo(soon.time_zone))
    assert local.strftime("%H:%M") in mail_server.mails[-1]["Subject"]


def test_an_sms_shows_the_conferences_local_time(
    soon: Conference, attend: Attend, sms_server: SmsServer, settings: Any
) -> None:
    settings.SMS_PROVIDER = "twilio"
    Conference.objects.update(time_zone="Asia/Shanghai")
    row = remind(attend, "sms")
    assert deliver(row.pk) == Status.SENT
    local = soon.starts_at.astimezone(dt.timezone(dt.timedelta(hours=8)))
    assert local.strftime("%H:%M") in sms_server.sent[0]["text"]
    row.refresh_from_db()
    assert row.sent_text == sms_server.sent[0]["text"]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"starts_at": None}, "no date"),
        ({"starts_at": timezone.now() - dt.timedelta(hours=1)}, "moved"),
    ],
)
def test_a_reminder_needs_a_future_start(
    soon: Conference, attend: Attend, change: dict[str, Any], why: str
) -> None:
    row = remind(attend)
    Conference.objects.update(**change)
    assert deliver(row.pk) == Status.SUPPRESSED
    row.refresh_from_db()
    assert why in row.last_error


def test_checked_in_attendees_are_not_reminded(soon: Conference, attend: Attend) -> None:
    row = remind(attend)
    check_in(row.registration_id, by=None)
    assert deliver(row.pk) == Status.SUPPRESSED
    CheckIn.objects.update(undone_at=timezone.now())
    outbox.resend(row.pk, by="alice")
    assert deliver(row.pk) == Status.SENT


def test_a_delayed_confirmation_shows_the_current_date(
    summit: Conference, attend: Attend, mail_server: MailServer
) -> None:
    attend()
    summit.starts_at += dt.timedelta(days=7)
    summit.ends_at += dt.timedelta(days=7)
    summit.name, summit.venue = "Summit II", "Hall 9"
    summit.save()
    mail = sent(mail_server, Notification.objects.get())
    text = mail.get_body(("plain",)).get_content()
    assert "Tuesday, 25 May 2027, 09:00" in text
    assert "Hall 9" in text
    assert mail["Subject"] == "You are registered: Summit II"
    assert event_of(mail)["DTSTART"].dt.astimezone(dt.UTC) == summit.starts_at


def test_a_resent_copy_shows_current_data_after_the_end(
    summit: Conference, attend: Attend, mail_server: MailServer
) -> None:
    attend()
    (row,) = Notification.objects.all()
    sent(mail_server, row)
    yesterday = timezone.now() - dt.timedelta(days=1)
    Conference.objects.update(starts_at=yesterday, ends_at=yesterday)
    outbox.resend(row.pk, by="alice")
    again = sent(mail_server, row)
    assert event_of(again)["SEQUENCE"] == 1
    assert event_of(mail_server.mails[0])["SEQUENCE"] == 0
    assert event_of(again)["UID"] == event_of(mail_server.mails[0])["UID"]


def test_messages_for_deleted_registrations_are_not_sent(notification: Notification) -> None:
    Registration.objects.all().delete()
    assert deliver(notification.pk) == Status.SUPPRESSED


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, 0),
        ({"quiet_from": dt.time(22), "quiet_until": dt.time(8)}, 0),  # not in the entry
        ({"name": "Other"}, 1),
        ({"venue": "Hall 9"}, 1),
        ({"time_zone": "Asia/Tokyo"}, 1),
        ({"starts_at": START + dt.timedelta(hours=1)}, 1),
        ({"ends_at": None}, 1),
    ],
)
def test_the_sequence_goes_up_with_each_change(
    summit: Conference, change: dict[str, Any], expected: int
) -> None:
    assert read_sequence(summit) == 0
    Conference.objects.update(**change)
    summit.refresh_from_db()
    assert [read_sequence(summit) for _ in range(3)] == [expected] * 3


def test_reverting_a_change_counts_as_a_change(summit: Conference) -> None:
    numbers = []
    for venue in ("A", "B", "A"):
        summit.venue = venue
        numbers.append(read_sequence(summit))
    assert numbers == [0, 1, 2]
    assert CalendarRevision.objects.count() == 1


def announced(kind: str) -> list[Notification]:
    announcing.write_announced_messages()
    return list(Notification.objects.filter(message_type=f"conference_{kind}").order_by("id"))


def test_a_move_is_announced_to_all_registrants(
    summit: Conference, attend: Attend, mail_server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(announcing, "_ROWS_AT_ONCE", 2)
    people = [attend() for _ in range(5)]
    Registration.objects.filter(pk=people[0].pk).update(state="cancelled")
    Registration.objects.filter(pk=people[1].pk).update(state="rejected")
    Registration.objects.filter(pk=people[2].pk).update(state="pending")
    first = sent(mail_server, Notification.objects.get(registration_id=people[4].pk))
    summit.starts_at += dt.timedelta(days=7)
    summit.save()
    announcement = announcing.announce(summit, "moved", by="alice").announcement
    rows = announced("moved")
    assert [row.registration_id for row in rows] == [person.pk for person in people[2:]]
    announcement.refresh_from_db()
    assert (announcement.written, announcement.finished_at is None) == (3, False)

    mail = sent(mail_server, rows[-1])
    assert mail["Subject"] == "New date or place: Summit"
    assert "Tuesday, 25 May 2027" in mail.get_body(("plain",)).get_content()
    before, after = event_of(first), event_of(mail)
    assert before["UID"] == after["UID"]
    assert after["SEQUENCE"] > before["SEQUENCE"]
    assert after["STATUS"] == "CONFIRMED"


def test_the_same_facts_are_announced_once(summit: Conference, attend: Attend) -> None:
    attend()
    created = [announcing.announce(summit, "moved", by="alice").created for _ in range(2)]
    assert created == [True, False]
    assert len(announced("moved")) == 1
    assert announced("moved") == announced("moved")
    summit.venue = "Hall 9"
    summit.save()
    assert announcing.announce(summit, "moved", by="alice").created
    assert len(announced("moved")) == 2


def test_only_the_later_of_two_moves_is_announced(
    summit: Conference, attend: Attend, mail_server: MailServer
) -> None:
    attend()
    announcing.announce(summit, "moved", by="alice")
    (first,) = announced("moved")
    summit.venue = "Hall 9"
    summit.save()
    announcing.announce(summit, "moved", by="alice")
    _, second = announced("moved")
    assert (deliver(first.pk), deliver(second.pk)) == (Status.SUPPRESSED, Status.SENT)


def test_cancelling_clears_calendars_and_stops_reminders(
    summit: Conference, attend: Attend, mail_server: MailServer
) -> None:
    attend(now=timezone.now() - dt.timedelta(days=2))
    first = sent(mail_server, Notification.objects.get())
    Conference.objects.update(
        starts_at=timezone.now() + dt.timedelta(hours=20), ends_at=None, reminder_hours_before=[24]
    )
    summit.refresh_from_db()
    reminding.plan_reminders("email")
    reminder = Notification.objects.get(message_type="checkin_reminder")
    announcing.announce(summit, "cancelled", by="alice")
    assert deliver(reminder.pk) == Status.SUPPRESSED

    (row,) = announced("cancelled")
    event = event_of(sent(mail_server, row))
    assert event["STATUS"] == "CANCELLED"
    assert event["UID"] == event_of(first)["UID"]
    assert event["SEQUENCE"] > event_of(first)["SEQUENCE"]
    Conference.objects.update(starts_at=timezone.now() + dt.timedelta(hours=10))
    assert reminding.plan_reminders("email") == 0


def test_an_announced_cancellation_closes_the_form(summit: Conference, attend: Attend) -> None:
    announcing.announce(summit, "cancelled", by="alice")
    summit.refresh_from_db()
    assert summit.cancelled_at is not None
    with pytest.raises(RefusedError, match="cancelled"):
        register(conference=summit, name="Dora", email="dora@example.com")
    announcing.announce(summit, "moved", by="alice")
    summit.refresh_from_db()
    assert summit.cancelled_at is None
    assert register(conference=summit, name="Dora", email="dora@example.com").created


def test_a_cancellation_without_an_announcement_notifies_nobody(
    summit: Conference, attend: Attend, mail_server: MailServer
) -> None:
    attend()
    (confirmation,) = Notification.objects.all()
    cancel_conference(summit, by="alice")
    assert deliver(confirmation.pk) == Status.SUPPRESSED
    assert Notification.objects.count() == 1
    assert announcing.announce(summit, "cancelled", by="alice").created
    (row,) = announced("cancelled")
    assert event_of(sent(mail_server, row))["STATUS"] == "CANCELLED"


def test_a_move_after_a_cancellation_revives_the_conference(
    summit: Conference, attend: Attend, mail_server: MailServer
) -> None:
    attend()
    (confirmation,) = Notification.objects.all()
    announcing.announce(summit, "cancelled", by="alice")
    (cancelled,) = announced("cancelled")
    assert deliver(confirmation.pk) == Status.SUPPRESSED
    gone = event_of(sent(mail_server, cancelled))
    announcing.announce(summit, "moved", by="alice")
    back = event_of(sent(mail_server, announced("moved")[0]))
    assert (back["STATUS"], back["SEQUENCE"] > gone["SEQUENCE"]) == ("CONFIRMED", True)


def test_a_crash_during_an_announcement_causes_no_duplicates(
    summit: Conference, attend: Attend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(announcing, "_ROWS_AT_ONCE", 2)
    for _ in range(5):
        attend()
    announcement = announcing.announce(summit, "moved", by="alice").announcement
    announcing._write_slice(announcement)
    announcement.refresh_from_db()
    assert announcement.written == 2
    announcement.position = ""  # as if the worker had died before it saved its position
    announcement.save()
    assert len(announced("moved")) == 5
