"""The participant's own page: its signed address, and what may happen there."""

import datetime as dt
import logging
import re

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from analytics.event_types.share import prove_code
from conferences import participants
from conferences.models import CheckIn, Conference, Registration
from conferences.services.checkins import check_in
from conferences.services.registrations import register
from meeteasy.core.logs import make_formatter
from notifications.models import Notification
from notifications.rendering import render_mail
from sharing.models import CreditSum

pytestmark = pytest.mark.django_db


@pytest.fixture
def ann(conference: Conference) -> Registration:
    conference.questions = [{"key": "meal", "kind": "text", "label": {"en": "Meal"}, "required": True}]
    conference.starts_at = timezone.now() + dt.timedelta(days=9)
    conference.save()
    return register(
        conference=conference, name="Ann", email="ann@example.com", visitor_id="ann",
        answers={"meal": "rice", "other": "kept"},
    ).registration  # fmt: skip


def address(registration: Registration) -> str:
    return f"/conf/summit/me/{participants.make_token(registration)}"


def test_the_page_shows_the_badge_and_is_sealed(ann: Registration) -> None:
    answer = Client().get(address(ann))
    html = answer.content.decode()
    assert "ann@example.com" in html
    assert answer["Referrer-Policy"] == "no-referrer"
    assert "noindex" in answer["X-Robots-Tag"]
    assert "no-store" in answer["Cache-Control"]
    assert "meeteasy.js" not in html  # the SDK would report the address
    (badge,) = re.findall(r'src="([^"]+badge\.svg)"', html)
    assert Client().get(badge)["Content-Type"] == "image/svg+xml"


def test_reading_changes_nothing(ann: Registration) -> None:
    before = Registration.objects.values().get(pk=ann.pk)
    for query in ("", "?action=cancel", "?done=link", "?done=cancelled&lang=zh-hans"):
        assert Client().get(address(ann) + query).status_code == 200
    assert Registration.objects.values().get(pk=ann.pk) == before


@pytest.mark.parametrize("token", ["x", "a:b", "{id}", "{id}:forged"])
def test_a_forged_address_leads_nowhere(ann: Registration, token: str) -> None:
    assert Client().get(f"/conf/summit/me/{token.format(id=ann.id)}").status_code == 404
    other = address(ann).replace("summit", "else")
    assert Client().post(other, {"action": "cancel"}).status_code == 404


def test_details_are_changed(ann: Registration) -> None:
    given = {"action": "change", "name": "Ann Zhao", "phone": "+8613800138000", "answers.meal": "fish"}
    answer = Client().post(address(ann), given)
    assert answer.status_code == 303
    ann.refresh_from_db()
    assert (ann.name, ann.phone) == ("Ann Zhao", "+8613800138000")
    assert ann.answers == {"meal": "fish", "other": "kept"}
    assert "zhao" in ann.search_text
    assert "Your changes are saved" in Client().get(answer["Location"]).content.decode()


def test_bad_details_are_named_and_not_logged(ann: Registration, caplog: pytest.LogCaptureFixture) -> None:
    answer = Client().post(address(ann), {"action": "change", "name": "", "phone": "abc"})
    assert answer.status_code == 400
    html = answer.content.decode()
    assert html.count('aria-invalid="true"') == 3
    assert "/me/" not in caplog.text
    ann.refresh_from_db()
    assert ann.name == "Ann"


def test_a_token_is_left_out_of_logs(ann: Registration) -> None:
    record = logging.LogRecord("django.request", 30, "", 0, "Not Found: %s", (address(ann),), None)
    text = make_formatter().format(record)
    assert "/me/" in text
    assert participants.make_token(ann) not in text


def test_a_form_cancels_once(ann: Registration) -> None:
    assert Client().post(address(ann), {"action": "cancel"}).status_code == 303
    ann.refresh_from_db()
    assert ann.state == "cancelled"
    html = Client().get(address(ann)).content.decode()
    assert "badge.svg" not in html
    assert Client().post(address(ann), {"action": "cancel"}).status_code == 400
    assert Client().post(address(ann), {"action": "change", "name": "B"}).status_code == 400


def test_who_is_checked_in_does_not_cancel(ann: Registration) -> None:
    check_in(ann.id, by=None)
    answer = Client().post(address(ann), {"action": "cancel"})
    assert answer.status_code == 400
    assert "undo the check-in" in answer.content.decode()
    assert CheckIn.objects.filter(undone_at=None).exists()


def test_the_own_link_proves_itself(ann: Registration) -> None:
    answer = Client().post(address(ann), {"action": "link"})
    html = Client().get(answer["Location"]).content.decode()
    (code,) = re.findall(r"conf/summit\?_s=([\w-]+)\"", html)
    assert prove_code("summit", "ann", code[:4]) == code


def test_numbers_are_told_and_no_names(ann: Registration) -> None:
    CreditSum.objects.create(
        conference_id="summit", kind="sharer", name="ann", credits=12, registrations=12, direct=3,
    )  # fmt: skip
    html = re.sub(r"</?b>", "", Client().get(address(ann)).content.decode())
    assert "You brought 12 people" in html


def test_the_confirmation_leads_there(ann: Registration) -> None:
    row = Notification.objects.get(registration_id=ann.id, message_type="registration_confirmation")
    rendered = render_mail(row, ann)
    assert address(ann) in rendered.text
    assert address(ann) in rendered.html
    Registration.objects.filter(pk=ann.pk).update(state="cancelled")
    ann.refresh_from_db()
    assert "/me/" not in render_mail(row, ann).text
    assert mail.outbox == []


def test_the_page_takes_few_queries(ann: Registration, django_assert_max_num_queries) -> None:
    with django_assert_max_num_queries(9):
        Client().get(address(ann))
