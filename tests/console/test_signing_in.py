"""Signing in and out, forgotten passwords, language."""

import re

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.test import Client

from conferences.models import Conference
from console.models import OrganizerMail
from console.services import mailing
from tests.console.conftest import Browser

pytestmark = pytest.mark.django_db

PASSWORD = "a-long-password"


@pytest.fixture
def lena(db: None) -> User:
    return User.objects.create_user("lena", "lena@example.com", PASSWORD)


def send_waiting_mails() -> None:
    for row in OrganizerMail.objects.filter(status=OrganizerMail.Status.QUEUED):
        mailing.send_mail(str(row.pk))


def test_the_home_page_leads_to_the_console(alice: User, browser: Browser) -> None:
    assert browser(None).get("/", follow=True).redirect_chain[-1][0] == "/accounts/login/?next=/console/"
    assert browser(alice).get("/", follow=True).redirect_chain == [("/console/", 302)]


@pytest.mark.parametrize("name", ["lena", "lena@example.com", "LENA@example.com"])
def test_people_sign_in_with_name_or_mail(lena: User, name: str) -> None:
    answer = Client().post("/accounts/login/", {"username": name, "password": PASSWORD})
    assert (answer.status_code, answer["Location"]) == (302, "/console/")


def test_an_address_of_two_users_signs_in_nobody(lena: User) -> None:
    User.objects.create_user("other", "lena@example.com", PASSWORD)
    page = Client().post("/accounts/login/", {"username": "lena@example.com", "password": PASSWORD})
    assert page.status_code == 200


def test_failures_by_mail_count_for_the_account(lena: User) -> None:
    client = Client()
    for name in ("lena", "lena@example.com") * 3:
        answer = client.post("/accounts/login/", {"username": name, "password": "wrong"})
    assert answer.status_code == 429
    assert "15" in answer.content.decode()


def test_signing_out_needs_a_post_and_ends_the_session(lena: User, browser: Browser) -> None:
    client = browser(lena)
    assert client.get("/accounts/logout/").status_code == 405
    assert client.post("/accounts/logout/").status_code == 302
    assert client.get("/console/").status_code == 302


def test_a_forgotten_password_is_set_by_mail(lena: User, settings) -> None:
    client = Client()
    answer = client.post("/console/password/reset/", {"email": "lena@example.com"})
    assert answer.status_code == 200
    assert mail.outbox == []  # a worker sends it
    send_waiting_mails()
    assert [message.to for message in mail.outbox] == [["lena@example.com"]]
    (link,) = re.findall(rf"{settings.PUBLIC_URL}(\S+)", mail.outbox[0].body)
    form = client.get(link, follow=True)
    target = form.redirect_chain[-1][0]
    new = {"new_password1": "another-long-one", "new_password2": "another-long-one"}
    assert client.post(target, new)["Location"] == "/console/"
    assert client.get("/console/").status_code == 200
    lena.refresh_from_db()
    assert lena.check_password("another-long-one")
    used = Client().get(link, follow=True)
    assert "new_password1" not in used.content.decode()


def test_an_unknown_address_gets_the_answer_without_mail(lena: User) -> None:
    known = Client().post("/console/password/reset/", {"email": "lena@example.com"}).content.decode()
    other = Client().post("/console/password/reset/", {"email": "nobody@example.com"}).content.decode()
    assert _text(known).replace("lena@", "nobody@") == _text(other)
    assert OrganizerMail.objects.count() == 1


def test_password_mails_are_limited(lena: User) -> None:
    for _ in range(5):
        assert Client().post("/console/password/reset/", {"email": "lena@example.com"}).status_code == 200
    assert OrganizerMail.objects.count() == 3


def test_the_mails_language_is_that_of_the_page(lena: User) -> None:
    client = Client(headers={"Accept-Language": "zh-CN"})
    client.post("/console/password/reset/", {"email": "lena@example.com"})
    send_waiting_mails()
    assert "设置新密码" in mail.outbox[0].subject


def test_changing_the_password_keeps_this_session_only(lena: User, browser: Browser) -> None:
    here, elsewhere = browser(lena), browser(lena)
    given = {
        "old_password": PASSWORD, "new_password1": "another-long-one", "new_password2": "another-long-one",
    }  # fmt: skip
    assert here.post("/console/password/", given).status_code == 302
    assert here.get("/console/").status_code == 200
    assert elsewhere.get("/console/").status_code == 302


def test_the_old_password_can_be_guessed_as_rarely_as_at_signing_in(lena: User, browser: Browser) -> None:
    here = browser(lena)
    given = {"new_password1": "another-long-one", "new_password2": "another-long-one"}
    tried = ["wrong"] * 6 + [PASSWORD]
    statuses = [here.post("/console/password/", {**given, "old_password": one}).status_code for one in tried]
    assert statuses == [200] * 5 + [429] * 2
    assert here.get("/admin/password_change/")["Location"] == "/console/password/"
    assert here.post("/admin/password_change/", {**given, "old_password": PASSWORD}).status_code == 302
    lena.refresh_from_db()
    assert lena.check_password(PASSWORD)


def test_a_mail_that_fails_is_tried_again(lena: User, settings) -> None:
    Client().post("/console/password/reset/", {"email": "lena@example.com"})
    settings.EMAIL_BACKEND = "tests.console.failing.EmailBackend"
    send_waiting_mails()
    row = OrganizerMail.objects.get()
    assert (row.status, row.attempts) == (OrganizerMail.Status.QUEUED, 1)
    assert "mail server" in row.last_error
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    mailing.send_mail(str(row.pk), now=row.scheduled_for)
    row.refresh_from_db()
    assert row.status == OrganizerMail.Status.SENT


def test_a_second_delivery_sends_no_second_mail(lena: User) -> None:
    Client().post("/console/password/reset/", {"email": "lena@example.com"})
    row = OrganizerMail.objects.get()
    mailing.send_mail(str(row.pk))
    mailing.send_mail(str(row.pk))
    assert len(mail.outbox) == 1


def test_the_menu_changes_the_language(conference: Conference, alice: User, browser: Browser) -> None:
    client = browser(alice)
    client.post("/i18n/setlang/", {"language": "zh-hans", "next": "/console/"})
    page = client.get("/console/").content.decode()
    assert '<html lang="zh-hans">' in page
    assert "新建会议" in page


def test_a_page_that_does_not_exist_is_designed(alice: User, browser: Browser) -> None:
    answer = browser(alice).get("/console/no-such-page/")
    assert answer.status_code == 404
    assert "Nothing is here" in answer.content.decode()


def _text(html: str) -> str:
    return re.sub(r'value="[^"]+"|<[^>]+>', "", html)
