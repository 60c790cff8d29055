"""Pages: unsubscribing, the development mailbox, the admin."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from conferences.models import Conference, Member
from notifications import unsubscribe_links
from notifications.models import MailboxMessage, Notification, Suppression
from notifications.previews import list_previews
from notifications.services.delivering import deliver

pytestmark = pytest.mark.django_db
Status = Notification.Status


@pytest.fixture
def reminder(sms: Notification) -> Notification:
    """A reminder by mail."""
    return Notification(channel="email", recipient="dora@example.com", conference_id="summit")


def path_of(row: Notification) -> str:
    return unsubscribe_links.make_url(row).removeprefix("http://localhost:8000")


def test_one_click_unsubscribes_without_a_session(reminder: Notification) -> None:
    """The mail provider POSTs List-Unsubscribe=One-Click (RFC 8058 §3.1)."""
    strict = Client(enforce_csrf_checks=True)
    answer = strict.post(path_of(reminder), {"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200
    row = Suppression.objects.get()
    assert (row.address, row.scope, row.conference_id) == ("dora@example.com", "reminders", "summit")
    strict.post(path_of(reminder), {"List-Unsubscribe": "One-Click"})
    assert Suppression.objects.count() == 1


def test_opening_the_link_alone_changes_nothing(reminder: Notification) -> None:
    """Mail scanners open every link."""
    answer = Client().get(path_of(reminder))
    assert "Turn off reminders?" in answer.content.decode()
    assert not Suppression.objects.exists()


def test_an_unsubscription_can_be_reversed(reminder: Notification) -> None:
    Client().post(path_of(reminder))
    assert Suppression.objects.exists()
    Client().post(path_of(reminder), {"resubscribe": "1"})
    assert not Suppression.objects.exists()


def test_the_page_uses_the_messages_language(reminder: Notification) -> None:
    reminder.language = "zh-hans"
    for post in (False, True):
        client = Client(headers={"Accept-Language": "en"})
        answer = client.post(path_of(reminder)) if post else client.get(path_of(reminder))
        assert ("已退订提醒" if post else "要退订提醒吗？") in answer.content.decode()
        assert '<html lang="zh-hans">' in answer.content.decode()
        assert answer["Content-Language"] == "zh-hans"


def test_a_refusal_uses_the_browsers_language() -> None:
    answer = Client(headers={"Accept-Language": "zh-CN"}).get("/unsubscribe/forged")
    assert answer.status_code == 404
    assert "此链接无效" in answer.content.decode()


def test_a_forged_link_is_refused(reminder: Notification) -> None:
    answer = Client().post(path_of(reminder)[:-3] + "abc")
    assert answer.status_code == 404
    assert not Suppression.objects.exists()


@pytest.fixture
def mailbox(settings: Any) -> None:
    settings.DEVELOPMENT_MAILBOX = True
    settings.EMAIL_BACKEND = "notifications.mailbox.EmailBackend"


@pytest.fixture
def kept(mailbox: None, attend: Any, sms: Notification) -> tuple[MailboxMessage, MailboxMessage]:
    """A confirmation and an SMS in the mailbox."""
    for row in Notification.objects.all():
        assert deliver(row.pk) == Status.SENT
    return MailboxMessage.objects.get(channel="email"), MailboxMessage.objects.get(channel="sms")


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_the_mailbox_shows_mails_as_their_recipients_see_them(
    kept: tuple[MailboxMessage, MailboxMessage], alice: User
) -> None:
    mail, sms = kept
    client = signed_in(alice)
    listed = client.get("/dev/mailbox").content.decode()
    assert "You are registered: Summit" in listed
    assert "+8613800138000" in listed

    page = client.get(f"/dev/mailbox/{mail.pk}").content.decode()
    assert "sandbox" in page
    assert "dora0@example.com" in page

    html = client.get(f"/dev/mailbox/{mail.pk}/html")
    assert "data:image/png;base64," in html.content.decode()
    assert "cid:" not in html.content.decode()
    assert html["Content-Security-Policy"].startswith("sandbox")
    assert html["X-Frame-Options"] == "SAMEORIGIN"

    page = client.get(f"/dev/mailbox/{sms.pk}").content.decode()
    assert "Summit begins" in page
    assert "1 part, GSM-7" in page


def test_attachments_can_be_downloaded(
    mailbox: None, conference: Conference, attend: Any, alice: User
) -> None:
    Conference.objects.update(starts_at="2027-05-18T01:00:00Z")
    conference.refresh_from_db()
    attend()
    deliver(Notification.objects.get().pk)
    answer = signed_in(alice).get(f"/dev/mailbox/{MailboxMessage.objects.get().pk}/attachments/0")
    assert answer.content.startswith(b"BEGIN:VCALENDAR")
    assert answer["Content-Disposition"] == 'attachment; filename="attachment-0.ics"'
    assert (
        signed_in(alice).get(f"/dev/mailbox/{MailboxMessage.objects.get().pk}/attachments/1").status_code
        == 404
    )


PATHS = [f"/dev/mailbox{rest}" for rest in ("", "/{mail}", "/{mail}/html", "/{mail}/attachments/0")]


@pytest.mark.parametrize("path", PATHS)
def test_the_mailbox_is_closed_unless_the_setting_opens_it(
    kept: tuple[MailboxMessage, MailboxMessage], alice: User, settings: Any, path: str
) -> None:
    path = path.format(mail=kept[0].pk)
    assert Client().get(path).status_code == 302  # to the login page
    settings.DEVELOPMENT_MAILBOX = False
    assert Client().get(path).status_code == 404
    assert signed_in(alice).get(path).status_code == 404


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("who", ["stranger", "viewer"])
def test_outsiders_see_nothing_in_the_mailbox(
    kept: tuple[MailboxMessage, MailboxMessage], bob: User, charlie: User, path: str, who: str
) -> None:
    Member.objects.filter(user=bob).update(role=Member.Role.VIEWER)
    answer = signed_in(charlie if who == "stranger" else bob).get(path.format(mail=kept[0].pk))
    assert answer.status_code == (200 if path == "/dev/mailbox" else 404)
    assert "dora" not in answer.content.decode()


def test_the_mailbox_searches_recipients_and_subjects(
    kept: tuple[MailboxMessage, MailboxMessage], alice: User
) -> None:
    def found(query: str) -> int:
        page = signed_in(alice).get("/dev/mailbox", {"q": query}).content.decode()
        return len(re.findall(r'href="/dev/mailbox/\d+"', page))

    assert [found(query) for query in ("", "dora0", "registered", "<script>")] == [2, 1, 1, 0]


def test_the_mailbox_keeps_the_newest_messages(
    mailbox: None, attend: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("notifications.mailbox.KEPT", 2)
    for number in range(4):
        attend(email=f"n{number}@example.com")
    for row in Notification.objects.order_by("id"):
        deliver(row.pk)
    assert [row.recipient for row in MailboxMessage.objects.all()] == ["n3@example.com", "n2@example.com"]


@pytest.fixture
def staff(admin_user: User) -> Client:
    return signed_in(admin_user)


def test_the_admin_lists_filters_and_shows_messages(staff: Client, notification: Notification) -> None:
    base = reverse("admin:notifications_notification_changelist")
    assert "dora@example.com" in staff.get(base).content.decode()
    assert "dora@example.com" not in staff.get(f"{base}?message_type=rejection").content.decode()
    assert "dora@example.com" in staff.get(f"{base}?message_type=registration_confirmation").content.decode()
    assert "dora@example.com" not in staff.get(f"{base}?channel=sms").content.decode()
    assert "dora@example.com" in staff.get(f"{base}?q=dora@example.com").content.decode()
    change = staff.get(reverse("admin:notifications_notification_change", args=[notification.pk]))
    assert f"{notification.pk}/render/" in change.content.decode()
    rendered = staff.get(reverse("admin:notifications_notification_render", args=[notification.pk]))
    assert "You are registered: Summit" in rendered.content.decode()
    assert rendered["Content-Security-Policy"].startswith("sandbox")


def test_the_admin_previews_every_message_with_made_up_data(staff: Client) -> None:
    page = staff.get(reverse("admin:notifications_notification_previews")).content.decode()
    sources = re.findall(r'src="(/admin/notifications/notification/preview/[^"]+)"', page)
    assert len(sources) == len(list_previews())
    for source in sources:
        assert "Summit" in staff.get(source).content.decode()
    assert staff.get("/admin/notifications/notification/preview/x/email/en/").status_code == 404


def test_admin_actions_go_through_the_outbox(staff: Client, notification: Notification, attend: Any) -> None:
    attend()
    Notification.objects.exclude(pk=notification.pk).update(status=Status.SENT)
    base = reverse("admin:notifications_notification_changelist")
    ids = [str(pk) for pk in Notification.objects.values_list("pk", flat=True)]

    def act(action: str) -> str:
        return staff.post(base, {"action": action, "_selected_action": ids}, follow=True).content.decode()

    page = act("abort")
    assert "1 message was aborted." in page
    assert "1 message is not in a state that allows this." in page
    assert "2 messages will be sent again." in act("resend")
    assert set(Notification.objects.values_list("status", flat=True)) == {Status.QUEUED}


def test_only_staff_can_open_the_admin(notification: Notification, alice: User) -> None:
    for name, arguments in [
        ("notifications_notification_previews", []),
        ("notifications_notification_render", [notification.pk]),
        ("notifications_notification_sample", ["approval", "email", "en"]),
    ]:
        answer = signed_in(alice).get(reverse(f"admin:{name}", args=arguments))
        assert answer.status_code == 302


def test_staff_without_the_permission_see_no_messages(notification: Notification, alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(is_staff=True)
    for name, arguments in [
        ("notifications_notification_previews", []),
        ("notifications_notification_render", [notification.pk]),
        ("notifications_notification_sample", ["approval", "email", "en"]),
    ]:
        assert signed_in(alice).get(reverse(f"admin:{name}", args=arguments)).status_code == 404
