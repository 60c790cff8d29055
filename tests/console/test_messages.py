"""Writing to registrants, and the list of what was sent."""

import re
import uuid
from typing import Any

import pytest
from django.contrib.auth.models import User

from conferences.models import Conference, Registration
from conferences.services.checkins import check_in
from conferences.services.registrations import register
from notifications.models import Mailing, Notification, Suppression
from notifications.rendering import render_mail
from notifications.services import mailings, suppressing
from notifications.services.delivering import deliver
from tests.console.builders import build_branch
from tests.console.conftest import Browser

pytestmark = pytest.mark.django_db

MESSAGES = "/console/c/summit/messages/"
NEW = f"{MESSAGES}new/"
LIST = "/console/c/summit/notifications/"
TEXT = {"channel": "email", "subject-en": "Doors open", "body-en": "Dear {name},\n\ncome in."}


@pytest.fixture
def ann(conference: Conference) -> Registration:
    return register(conference=conference, name="Ann", email="ann@example.com").registration


def written(mailing: Mailing) -> set[str]:
    mailings.write_due_mailings()
    rows = Notification.objects.filter(mailing_id=mailing.pk)
    return set(rows.values_list("recipient", flat=True))


def test_a_message_is_written_looked_at_and_sent(
    conference: Conference, bob: User, browser: Browser, ann: Registration
) -> None:
    client = browser(bob)
    address = client.post(NEW, {**TEXT, "states": ["approved"]})["Location"]
    html = client.get(address).content.decode()
    assert "Goes to 1 address" in html
    frame = client.get(f"{address}frame/en/")
    assert "Dear Ann," in frame.content.decode()
    assert "sandbox" in frame["Content-Security-Policy"]
    assert frame["X-Frame-Options"] == "SAMEORIGIN"
    client.post(f"{address}test/")
    assert Notification.objects.filter(recipient="bob@example.com").count() == 1
    for _ in range(2):
        client.post(f"{address}send/")
    assert written(Mailing.objects.get()) == {"ann@example.com"}
    html = client.get(address).content.decode()
    assert "0 of 1 copies are done." in html
    assert "hx-get" in html
    assert "1 copy was not sent" in client.post(f"{address}stop/", follow=True).content.decode()
    assert "hx-get" not in client.get(address).content.decode()


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({"states": ["approved"]}, {"ada", "ben", "cleo", "dan", "eve"}),
        ({"states": ["approved"], "entered": "in"}, {"dan"}),
        ({"states": ["approved"], "entered": "out"}, {"ada", "ben", "cleo", "eve"}),
        ({"states": ["approved"], "brought": "1"}, {"ada", "ben"}),
        ({"states": ["approved"], "brought": "3"}, {"ada"}),
        ({"states": ["pending"]}, set()),
    ],
    ids=["state", "in", "out", "sharers", "best", "nobody"],
)
def test_selections_reach_exactly_whom_they_say(
    conference: Conference, bob: User, browser: Browser, given: dict[str, Any], wanted: set[str]
) -> None:
    build_branch(conference)
    check_in(Registration.objects.get(name="Dan Damm").id, by=bob)
    client = browser(bob)
    address = client.post(NEW, {**TEXT, **given})["Location"]
    client.post(f"{address}send/")
    assert written(Mailing.objects.get()) == {f"{name}@example.com" for name in wanted}


def test_the_chosen_of_a_list_get_the_message(
    conference: Conference, bob: User, browser: Browser, ann: Registration
) -> None:
    register(conference=conference, name="Ben", email="ben@example.com")
    client = browser(bob)
    chosen = client.post("/console/c/summit/people/decide/", {"action": "write", "id": ann.id})
    html = client.get(chosen["Location"]).content.decode()
    assert "1 chosen person" in html
    states = re.findall(r'name="states" value="(\w+)"[^>]*checked', html)
    address = client.post(NEW, {**TEXT, "states": states, "ids": ann.id})["Location"]
    client.post(f"{address}send/")
    assert written(Mailing.objects.get()) == {"ann@example.com"}


def test_incomplete_texts_are_named_and_not_stored(
    conference: Conference, bob: User, browser: Browser
) -> None:
    conference.languages = ["en", "zh-hans"]
    conference.save()
    client = browser(bob)
    for given, field in (
        ({"states": ["approved"]}, "id_subject-en-error"),
        ({**TEXT, "states": ["approved"], "body-zh-hans": "只有正文"}, "id_subject-zh-hans-error"),
        ({**TEXT, "states": ["approved"], "brought": "0"}, "id_brought-error"),
        ({**TEXT, "states": ["approved"], "subject-en": "x" * 151}, "id_subject-en-error"),
    ):
        assert f'id="{field}"' in client.post(NEW, given).content.decode(), field
    assert not Mailing.objects.exists()
    address = client.post(NEW, {**TEXT, "states": ["approved"]})["Location"]
    assert "简体中文 gets the text in English" in client.get(address).content.decode()


def test_a_time_is_one_of_the_conferences_zone(
    conference: Conference, bob: User, browser: Browser, ann: Registration
) -> None:
    client = browser(bob)
    address = client.post(NEW, {**TEXT, "states": ["approved"]})["Location"]
    for given in ("2020-01-01T09:00", "nonsense"):
        answer = client.post(f"{address}send/", {"scheduled_for": given})
        assert (answer.status_code, b"id_scheduled_for-error" in answer.content) == (400, True)
    client.post(f"{address}send/", {"scheduled_for": "2099-05-18T09:00"})
    mailing = Mailing.objects.get()
    assert mailing.scheduled_for is not None
    assert mailing.scheduled_for.isoformat() == "2099-05-18T01:00:00+00:00"
    assert written(mailing) == set()


def test_a_draft_is_changed_and_deleted_a_sent_one_is_not(
    conference: Conference, bob: User, browser: Browser, ann: Registration
) -> None:
    client = browser(bob)
    address = client.post(NEW, {**TEXT, "states": ["approved"]})["Location"]
    client.post(f"{address}edit/", {**TEXT, "subject-en": "Changed", "states": ["pending"]})
    mailing = Mailing.objects.get()
    assert (mailing.texts["en"]["subject"], mailing.selection) == ("Changed", {"states": ["pending"]})
    client.post(f"{address}send/")
    client.post(f"{address}edit/", {**TEXT, "states": ["approved"]})
    client.post(f"{address}delete/")
    assert Mailing.objects.get().texts["en"]["subject"] == "Changed"


def test_viewers_read_messages_and_send_none(
    conference: Conference, bob: User, victor: User, browser: Browser, ann: Registration
) -> None:
    address = browser(bob).post(NEW, {**TEXT, "states": ["approved"]})["Location"]
    client = browser(victor)
    assert "Doors open" in client.get(MESSAGES).content.decode()
    html = client.get(address).content.decode()
    assert '<button class="btn main-act"' not in html
    assert client.post(f"{address}send/").status_code == 403
    assert client.get(LIST).status_code == 403


def test_another_conferences_message_is_not_found(
    conference: Conference, bob: User, charlie: User, browser: Browser, ann: Registration
) -> None:
    from conferences import services

    address = browser(bob).post(NEW, {**TEXT, "states": ["approved"]})["Location"]
    services.create_conference(owner=charlie, id="other", name="Other", time_zone="UTC")
    other = address.replace("/summit/", "/other/")
    assert browser(charlie).get(other).status_code == 404
    row = Notification.objects.get()
    assert browser(charlie).get(f"/console/c/other/notifications/{row.pk}/").status_code == 404


def test_the_list_says_why_something_was_not_sent(
    conference: Conference, bob: User, browser: Browser, ann: Registration
) -> None:
    suppressing.suppress(
        channel="email", address="ann@example.com", scope=Suppression.Scope.ALL,
        reason=Suppression.Reason.BOUNCED,
    )  # fmt: skip
    row = Notification.objects.get()
    assert deliver(row.pk) == Notification.Status.SUPPRESSED
    client = browser(bob)
    assert "came back before" in client.get(LIST, {"status": "suppressed"}).content.decode()
    Notification.objects.update(status="failed", last_error="permanent: 550 No such user <here>")
    html = client.get(f"{LIST}{row.pk}/").content.decode()
    assert "The provider refused it for good." in html
    assert "“550 No such user &lt;here&gt;”" in html


def test_filters_find_messages_and_others_find_none(
    conference: Conference, bob: User, browser: Browser, ann: Registration
) -> None:
    row = Notification.objects.get()
    client = browser(bob)
    for given, is_found in (
        ({"q": "ann"}, True), ({"q": "nobody"}, False), ({"status": "queued"}, True),
        ({"status": "sent"}, False), ({"type": "registration_confirmation"}, True),
        ({"type": "rejection"}, False), ({"channel": "sms"}, False), ({"status": "nonsense"}, True),
        ({"message": str(uuid.uuid4())}, False), ({"message": "nonsense"}, True),
    ):  # fmt: skip
        html = client.get(LIST, given).content.decode()
        assert (f"{LIST}{row.pk}/" in html) == is_found, given
    assert client.get(LIST, {"cursor": "nonsense"}).status_code == 404


def test_a_message_is_shown_resent_and_aborted(
    conference: Conference, bob: User, browser: Browser, ann: Registration
) -> None:
    row = Notification.objects.get()
    client = browser(bob)
    frame = client.get(f"{LIST}{row.pk}/frame/")
    assert "Ann" in frame.content.decode()
    assert "sandbox" in frame["Content-Security-Policy"]
    client.post(f"{LIST}{row.pk}/abort/")
    row.refresh_from_db()
    assert row.status == "suppressed"
    answer = client.post(f"{LIST}{row.pk}/resend/", {"back": "person"})
    assert answer["Location"] == f"/console/c/summit/people/{ann.id}/"
    row.refresh_from_db()
    assert (row.status, row.on_request) == ("queued", True)
    Notification.objects.update(status="sending")
    told = client.post(f"{LIST}{row.pk}/resend/", follow=True).content.decode()
    assert "Nothing was changed." in told


def test_a_preview_has_no_link_that_acts_for_somebody(
    conference: Conference, bob: User, victor: User, browser: Browser, ann: Registration
) -> None:
    """Viewers read previews: with a recipient's signed links they could unsubscribe or cancel for them."""
    address = browser(bob).post(NEW, {**TEXT, "states": ["approved"]})["Location"]
    previews = [browser(victor).get(f"{address}frame/en/").content.decode()]
    row = Notification.objects.get(message_type="registration_confirmation")
    previews.append(browser(bob).get(f"/console/c/summit/notifications/{row.pk}/frame/").content.decode())
    for html in previews:
        assert "/unsubscribe/" not in html
        assert "/me/" not in html
        assert "unsubscribe" in html or "cancel your registration" in html
    browser(bob).post(f"{address}test/")
    test_copy = Notification.objects.get(recipient=bob.email)
    assert "/me/" not in render_mail(test_copy, ann).html


def test_an_sms_goes_to_phones_and_names_who_has_none(
    conference: Conference, bob: User, browser: Browser, ann: Registration
) -> None:
    for number, name in enumerate(("Ben", "Cid", "Dan")):
        phone = "+8613800138000" if name != "Dan" else "+8613800138001"  # Ben and Cid share one
        register(conference=conference, name=name, email=f"{number}@example.com", phone=phone)
    client = browser(bob)
    text = {"channel": "sms", "subject-en": "Rooms", "body-en": "{name}, we moved to hall B. " * 7}
    address = client.post(NEW, {**text, "states": ["approved"]})["Location"]
    html = client.get(address).content.decode()
    assert "Goes to 2 phone numbers" in html
    assert "in the longest language: 2. About 4 in all." in html  # 174 characters of GSM-7 each
    assert "1 person gave no phone number" in html
    assert "Ann</a>" in html
    assert "Ben, we moved to hall B." in client.get(f"{address}frame/en/").content.decode()
    client.post(f"{address}test/")
    assert not Notification.objects.filter(recipient=bob.email).exists()

    phones = {"+8613800138000", "+8613800138001"}
    suppressing.suppress(
        channel="sms", address="+8613800138001", scope=Suppression.Scope.REMINDERS,
        reason=Suppression.Reason.UNSUBSCRIBED,
    )  # fmt: skip
    client.post(f"{address}send/")
    assert written(Mailing.objects.get()) == phones
    rows = {row.recipient: row for row in Notification.objects.filter(channel="sms")}
    assert {phone: deliver(rows[phone].pk) for phone in sorted(phones)} == {
        "+8613800138000": Notification.Status.SENT, "+8613800138001": Notification.Status.SUPPRESSED,
    }  # fmt: skip


def test_a_long_sms_is_refused(conference: Conference, bob: User, browser: Browser) -> None:
    given = {**TEXT, "channel": "sms", "states": ["approved"], "body-en": "x" * 601}
    assert 'id="id_body-en-error"' in browser(bob).post(NEW, given).content.decode()
    assert not Mailing.objects.exists()
