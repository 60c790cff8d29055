"""Registering on the page without JavaScript."""

from typing import Any

import pytest
from django.test import Client, override_settings

from conferences.models import Conference, Registration
from conferences.services import update_conference

pytestmark = pytest.mark.django_db

URL = "/conf/summit/register"
ANN: dict[str, Any] = {"name": "Ann", "email": "ann@example.com"}
QUESTIONS = [
    {
        "key": "shirt", "kind": "choice", "label": {"en": "T-shirt", "zh-hans": "T 恤"}, "required": True,
        "options": [{"value": "s", "label": {"en": "Small"}}, {"value": "m"}],
    },
    {"key": "days", "kind": "several", "label": {"en": "Days"}, "options": [{"value": "1"}, {"value": "2"}]},
    {"key": "guests", "kind": "number", "label": {"en": "Guests"}},
    {"key": "diet", "kind": "text", "label": {"en": "Diet"}},
    {"key": "terms", "kind": "consent", "label": {"en": "I agree"}, "required": True},
]  # fmt: skip


def post(data: dict[str, Any], *, follow: bool = False, path: str = URL) -> Any:
    return Client(enforce_csrf_checks=True).post(path, data, follow=follow)


def test_registering_leads_to_a_page_that_says_so(conference: Conference) -> None:
    answer = post({**ANN, "phone": "+86 138 0013 8000", "share_code": "AbCd1234EfGh5678", "visitor_id": "v1"})
    assert (answer.status_code, answer["Location"]) == (303, "/conf/summit/register?state=approved&lang=en")
    registration = Registration.objects.get()
    assert (registration.name, registration.phone, registration.form_id) == (
        "Ann",
        "+8613800138000",
        "event-page",
    )
    assert (registration.share_code, registration.visitor_id) == ("AbCd1234EfGh5678", "v1")
    page = Client().get(answer["Location"]).content.decode()
    assert "You are registered" in page
    assert "You are registered" in Client().get(answer["Location"]).content.decode()  # after a reload


def test_a_registered_person_gets_the_same_answer(conference: Conference) -> None:
    first, again = post(ANN), post({**ANN, "name": "Mallory"})
    assert (first.status_code, first["Location"]) == (again.status_code, again["Location"])
    assert Registration.objects.get().name == "Ann"


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"approval_required": True}, "Your registration was received"),
        ({"capacity": 1}, "You are on the waiting list"),
    ],
)
def test_each_state_has_its_words(conference: Conference, settings: dict[str, Any], text: str) -> None:
    update_conference(conference, **settings)
    post({"name": "Ben", "email": "ben@example.com"})
    assert text in post(ANN, follow=True).content.decode()


def test_bad_fields_are_named_and_keep_what_was_entered(conference: Conference) -> None:
    answer = post(
        {"name": 'Ann "A"', "email": "ann@example", "phone": "12", "share_code": "AbCd1234EfGh5678"}
    )
    page = answer.content.decode()
    assert answer.status_code == 400
    assert page.count('aria-invalid="true"') == 2
    assert page.count("autofocus") == 1
    assert "This is not a mail address." in page
    assert 'value="Ann &quot;A&quot;"' in page
    assert 'value="AbCd1234EfGh5678"' in page
    assert not Registration.objects.exists()


def test_custom_questions_are_asked_in_their_language(conference: Conference) -> None:
    update_conference(conference, questions=QUESTIONS, languages=["en", "zh-hans"])
    page = Client().get("/conf/summit").content.decode()
    assert page.count('type="radio"') == 2
    assert "Small" in page
    assert "T 恤" in Client().get("/conf/summit?lang=zh-hans").content.decode()


def test_answers_to_custom_questions_are_stored(conference: Conference) -> None:
    update_conference(conference, questions=QUESTIONS)
    post({
        **ANN, "answers.shirt": "m", "answers.days": ["1", "2"], "answers.guests": "2", "answers.diet": " ",
        "answers.terms": "on",
    })  # fmt: skip
    assert Registration.objects.get().answers == {
        "shirt": "m",
        "days": ["1", "2"],
        "guests": 2,
        "terms": True,
    }


def test_a_missing_required_answer_is_named_beside_other_errors(conference: Conference) -> None:
    update_conference(conference, questions=QUESTIONS)
    answer = post({"name": "", "email": "ann@example.com", "answers.days": "2", "answers.shirt": "xl"})
    page = answer.content.decode()
    assert answer.status_code == 400
    for text in ("This question needs an answer.", "This must be agreed to.", "This field may not be blank."):
        assert text in page
    assert 'value="2" checked' in page
    assert not Registration.objects.exists()


def test_a_closed_registrations_form_is_refused_in_words(conference: Conference) -> None:
    update_conference(conference, capacity=1, waiting_list=False)
    post({"name": "Ben", "email": "ben@example.com"})
    answer = post(ANN)
    assert answer.status_code == 400
    assert "All places are taken." in answer.content.decode()


@override_settings(REGISTRATION_RATE_PER_MINUTE=2)
def test_a_flood_from_one_address_is_stopped(conference: Conference) -> None:
    statuses = [post({**ANN, "email": f"{number}@example.com"}).status_code for number in range(4)]
    assert statuses == [303, 303, 429, 429]
    assert Registration.objects.count() == 2


def test_the_page_of_a_state_cannot_be_forged(conference: Conference) -> None:
    for state in ("", "cancelled", "<b>"):
        answer = Client().get(f"{URL}?state={state}")
        assert (answer.status_code, answer["Location"]) == (302, "/conf/summit")


def test_hostile_fields_cost_nothing_else(conference: Conference) -> None:
    answer = post({**ANN, "share_code": "x\n<script>", "visitor_id": "v" * 5000, "answers.x": ["1"] * 500})
    assert answer.status_code == 303
    assert Registration.objects.get().share_code.startswith("!")
