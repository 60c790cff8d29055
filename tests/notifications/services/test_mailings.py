"""Organizers' messages: everybody selected gets one, whatever crashes, and nobody a second."""

import datetime as dt
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models.query import QuerySet
from django.utils import timezone

from conferences.models import Conference, Registration
from conferences.services.registrations import decide
from conferences.states import Action
from meeteasy.core.errors import RefusedError
from notifications.models import Mailing, Notification, Suppression
from notifications.selections import select
from notifications.selectors.mailings import count_copies
from notifications.services import mailings, suppressing, sweeping
from notifications.services.delivering import deliver
from tests.conferences.test_races import at_once
from tests.notifications.servers import MailServer

pytestmark = pytest.mark.django_db
Attend = Callable[..., Registration]
Status = Notification.Status
TEXTS = {
    "en": {"subject": "News of {conference}", "body": "Dear {name},\n\nsee <b>https://example.org/</b>"},
    "zh-hans": {"subject": "通知", "body": "{name}，您好！"},
}


@pytest.fixture
def write(conference: Conference, bob: User) -> Callable[..., Mailing]:
    """`write(states=["approved"])` plans a message for now."""

    def write(*, texts: Any = None, now: dt.datetime | None = None, **selection: Any) -> Mailing:
        draft = mailings.draft_mailing(conference, texts=texts or TEXTS, selection=selection, by=bob)
        mailings.plan_mailing(draft, scheduled_for=now, by=bob)
        draft.refresh_from_db()
        return draft

    return write


def copies(mailing: Mailing) -> Counter[str]:
    return Counter(Notification.objects.filter(mailing_id=mailing.pk).values_list("recipient", flat=True))


class KilledError(BaseException):
    """What a worker that dies leaves behind: nothing catches it."""


def test_each_selected_address_gets_one_copy(
    attend: Attend, write: Callable[..., Mailing], bob: User
) -> None:
    attend(email="ann@example.com")
    attend(email="ben@example.com")
    decide(attend(email="out@example.com").id, Action.CANCEL, by=bob)
    again = attend(email="twice@example.com")
    decide(again.id, Action.CANCEL, by=bob)
    attend(email="twice@example.com")
    mailing = write(states=["approved", "cancelled"])
    for _ in range(3):
        mailings.write_due_mailings()
    assert copies(mailing) == dict.fromkeys(
        ["ann@example.com", "ben@example.com", "out@example.com", "twice@example.com"], 1
    )
    mailing.refresh_from_db()
    assert (mailing.status, mailing.written) == ("written", 4)


def test_a_crash_between_slices_and_inside_one_repeats_nobody(
    attend: Attend, write: Callable[..., Mailing], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailings, "_ROWS_AT_ONCE", 2)
    wanted = {attend().email for _ in range(7)}
    mailing = write(states=["approved"])
    bulk_create, calls = QuerySet.bulk_create, []

    def die_after_writing(self: Any, *args: Any, **kwargs: Any) -> Any:
        calls.append(1)
        made = bulk_create(self, *args, **kwargs)
        if len(calls) in (2, 4):
            raise KilledError
        return made

    monkeypatch.setattr(QuerySet, "bulk_create", die_after_writing)
    for _ in range(2):
        with pytest.raises(KilledError):
            mailings.write_due_mailings()
        assert sum(copies(mailing).values()) == Mailing.objects.get().written
    mailings.write_due_mailings()
    assert copies(mailing) == dict.fromkeys(wanted, 1)
    assert Mailing.objects.get().written == 7


@pytest.mark.django_db(transaction=True)
def test_workers_at_the_same_moment_write_each_copy_once(
    attend: Attend, write: Callable[..., Mailing], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailings, "_ROWS_AT_ONCE", 3)
    wanted = {attend().email for _ in range(10)}
    mailing = write(states=["approved"])
    results = at_once(*[mailings.write_due_mailings] * 4)
    assert [result for result in results if isinstance(result, Exception)] == []
    mailings.write_due_mailings()
    assert copies(mailing) == dict.fromkeys(wanted, 1)
    assert Mailing.objects.get().written == 10


def test_a_doubtful_copy_is_not_sent_again(attend: Attend, write: Callable[..., Mailing]) -> None:
    attend()
    write(states=["approved"])
    mailings.write_due_mailings()
    Notification.objects.update(status=Status.UNKNOWN, called_at=timezone.now())
    sweeping.sweep("email")
    by_type = dict(Notification.objects.values_list("message_type", "status"))
    assert by_type == {"registration_confirmation": "queued", "organizer_message": "unknown"}


def test_the_text_comes_in_the_readers_language(
    conference: Conference, attend: Attend, write: Callable[..., Mailing], mail_server: MailServer
) -> None:
    conference.languages = ["en", "zh-hans"]
    conference.save()
    attend(name="Ann", email="ann@example.com")
    attend(name="张伟", email="zw@example.com", language="zh-CN")
    write(states=["approved"])
    mailings.write_due_mailings()
    for row in Notification.objects.filter(message_type="organizer_message").order_by("recipient"):
        assert deliver(row.pk) == Status.SENT
    english, chinese = mail_server.mails[-2:]
    assert english["Subject"] == "News of Summit"
    html = english.get_body(("html",)).get_content()
    assert "Dear Ann," in html
    assert "&lt;b&gt;" in html
    assert 'href="https://example.org/' in html
    assert english["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert chinese["Subject"] == "通知"
    assert "张伟，您好！" in chinese.get_body(("plain",)).get_content()


def test_unsubscribed_and_bounced_addresses_get_none(
    conference: Conference, attend: Attend, write: Callable[..., Mailing], mail_server: MailServer
) -> None:
    for email, scope, reason in (
        ("off@example.com", Suppression.Scope.REMINDERS, Suppression.Reason.UNSUBSCRIBED),
        ("gone@example.com", Suppression.Scope.ALL, Suppression.Reason.BOUNCED),
    ):
        attend(email=email)
        suppressing.suppress(channel="email", address=email, scope=scope, reason=reason)
    write(states=["approved"])
    mailings.write_due_mailings()
    rows = Notification.objects.filter(message_type="organizer_message")
    assert {deliver(row.pk) for row in rows} == {Status.SUPPRESSED}
    assert mail_server.mails == []


def test_stopping_holds_what_waits_and_what_is_not_written(
    attend: Attend, write: Callable[..., Mailing], bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailings, "_ROWS_AT_ONCE", 2)
    monkeypatch.setattr(mailings, "_MOST_WAITING", 2)
    for _ in range(5):
        attend()
    mailing = write(states=["approved"])
    mailings.write_due_mailings()
    assert count_copies([mailing])[mailing.pk]["queued"] == 2
    assert (mailings.stop_mailing(mailing, by=bob), mailings.stop_mailing(mailing, by=bob)) == (2, 0)
    mailings.write_due_mailings()
    counts = count_copies([mailing])[mailing.pk]
    assert (counts["suppressed"], counts["all"]) == (2, 2)


def test_a_stop_during_a_slice_rolls_it_back(
    attend: Attend, write: Callable[..., Mailing], bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    attend()
    mailing = write(states=["approved"])

    def stop_first(*args: Any) -> Any:
        found = select(*args)
        mailings.stop_mailing(mailing, by=bob)
        return found

    monkeypatch.setattr(mailings, "select", stop_first)
    mailings.write_due_mailings()
    assert copies(mailing) == {}
    assert Mailing.objects.get().status == "stopped"


def test_a_planned_message_waits_for_its_time(attend: Attend, write: Callable[..., Mailing]) -> None:
    attend()
    moment = timezone.now() + dt.timedelta(hours=1)
    mailing = write(states=["approved"], now=moment)
    mailings.write_due_mailings()
    assert copies(mailing) == {}
    mailings.write_due_mailings(now=moment)
    assert sum(copies(mailing).values()) == 1


def test_a_message_is_planned_once_and_not_in_the_past(
    attend: Attend, write: Callable[..., Mailing], conference: Conference, bob: User
) -> None:
    mailing = write(states=["approved"])
    with pytest.raises(RefusedError) as refused:
        mailings.plan_mailing(mailing, scheduled_for=None, by=bob)
    assert refused.value.code == "not_a_draft"
    with pytest.raises(RefusedError):
        mailings.delete_draft(mailing)
    draft = mailings.draft_mailing(conference, texts=TEXTS, selection={}, by=bob)
    with pytest.raises(RefusedError) as refused:
        mailings.plan_mailing(draft, scheduled_for=timezone.now() - dt.timedelta(hours=1), by=bob)
    assert refused.value.code == "in_the_past"


def test_a_test_goes_to_its_author_and_counts_nowhere(
    conference: Conference, attend: Attend, bob: User, mail_server: MailServer
) -> None:
    ann = attend(name="Ann", email="ann@example.com")
    draft = mailings.draft_mailing(conference, texts=TEXTS, selection={"states": ["approved"]}, by=bob)
    row = mailings.send_test(draft, ann, to="bob@example.com", language="en")
    assert deliver(row.pk) == Status.SENT
    assert mail_server.mails[-1]["To"] == "bob@example.com"
    assert copies(draft) == {}


def test_who_just_registered_does_not_wait_for_a_message(
    attend: Attend, write: Callable[..., Mailing]
) -> None:
    from notifications.channels import CHANNELS
    from notifications.services.draining import _find_due

    for _ in range(3):
        attend()
    Notification.objects.all().delete()
    write(states=["approved"])
    mailings.write_due_mailings()
    attend(email="new@example.com")
    (first,) = _find_due(CHANNELS["email"])
    assert Notification.objects.get(pk=first).recipient == "new@example.com"


def test_an_unknown_filter_writes_to_nobody_and_holds_nothing_up(
    conference: Conference, attend: Attend, write: Callable[..., Mailing]
) -> None:
    attend()
    with pytest.raises(ValueError, match="no filter 'shoe_size'"):
        select(conference, {"shoe_size": 42})
    broken = write(shoe_size=42)
    good = write(states=["approved"])
    mailings.write_due_mailings()
    assert copies(broken) == {}
    assert sum(copies(good).values()) == 1
