import datetime as dt

import pytest
from django.core.exceptions import ValidationError

from conferences.models import Conference, Registration
from conferences.services.registrations import register

pytestmark = pytest.mark.django_db


def test_registrations_are_approved_unless_approval_is_required(
    conference: Conference,
) -> None:
    at_once = register(conference=conference, name="Ann", email="ann@example.com")
    conference.approval_required = True
    waiting = register(conference=conference, name="Ben", email="ben@example.com")
    assert (at_once.created, at_once.registration.state) == (True, "approved")
    assert (waiting.created, waiting.registration.state) == (True, "pending")


def test_registering_again_changes_nothing(conference: Conference) -> None:
    first = register(conference=conference, name="Ann", email="ann@example.com").registration
    again = register(conference=conference, name="Mallory", email=" ANN@Example.com ", phone="+8613800138000")
    assert not again.created
    assert again.registration.id == first.id
    first.refresh_from_db()
    assert (first.name, first.phone) == ("Ann", "")


def test_a_person_can_register_for_two_conferences(conference: Conference) -> None:
    other = Conference.objects.create(id="other", name="Other")
    assert register(conference=conference, name="Ann", email="ann@example.com").created
    assert register(conference=other, name="Ann", email="ann@example.com").created


def test_people_can_register_again_after_cancelling(conference: Conference) -> None:
    first = register(conference=conference, name="Ann", email="ann@example.com").registration
    Registration.objects.filter(id=first.id).update(state="cancelled")
    again = register(conference=conference, name="Ann", email="ann@example.com")
    assert again.created
    assert again.registration.id == first.id


def test_all_bad_fields_are_named_and_nothing_is_written(conference: Conference) -> None:
    with pytest.raises(ValidationError) as caught:
        register(
            conference=conference,
            name="Ann\r\nBcc: everyone@example.com",
            email="ann@",
            phone="call me",
        )
    assert set(caught.value.message_dict) == {"name", "email", "phone"}
    assert not Registration.objects.exists()


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("Ann@Example.COM", "ann@example.com"),
        ("  ann+tag@example.com ", "ann+tag@example.com"),
        ("ann@xn--bcher-kva.example", "ann@bücher.example"),
        ("张伟@例子.测试", "张伟@例子.测试"),
        ("иван@пример.рф", "иван@пример.рф"),
        ("e\u0301mile@example.com", "émile@example.com"),  # composed and decomposed are one address
        ("Ünal@EXAMPLE.com", "ünal@example.com"),
    ],
)
def test_mail_addresses_of_all_scripts_are_normalised(conference: Conference, given: str, kept: str) -> None:
    assert register(conference=conference, name="Ann", email=given).registration.email == kept


@pytest.mark.parametrize(
    "email",
    ["", "ann", "@example.com", "ann@", "ann@localhost", "a b@example.com", "ann@example..com",
     ".ann@example.com", "ann@example.com\nBcc: x@example.com", "ann\0@example.com", "ann@-example.com",
     '"ann"@example.com', "<ann@example.com>", f"{'a' * 65}@example.com", f"ann@{'a' * 10_000}.com",
     "ann@[127.0.0.1]"],
)  # fmt: skip
def test_invalid_mail_addresses_are_refused(conference: Conference, email: str) -> None:
    with pytest.raises(ValidationError) as caught:
        register(conference=conference, name="Ann", email=email)
    assert set(caught.value.message_dict) == {"email"}


@pytest.mark.parametrize(
    "name",
    [
        "张伟",
        "Ольга Иванова",
        "محمد",
        "ประเทศไทย สมชาย",
        "👩‍💻 Ada",
        "O'Brien-Şahin",
        "=cmd()",
        "x" * 200,
        "🎉" * 200,
    ],
)
def test_names_of_all_scripts_are_kept(conference: Conference, name: str) -> None:
    registration = register(conference=conference, name=name, email="ann@example.com").registration
    registration.refresh_from_db()
    assert registration.name == name


@pytest.mark.parametrize(
    "name",
    ["", "   ", "\u3000", "x" * 201, "x" * 10_000, "a\0b", "a\nb", "a\rb", "a\u2028b", "a\ud800b", "a\x85b"],
)
def test_invalid_names_are_refused(conference: Conference, name: str) -> None:
    with pytest.raises(ValidationError) as caught:
        register(conference=conference, name=name, email="ann@example.com")
    assert set(caught.value.message_dict) == {"name"}


@pytest.mark.parametrize(
    ("given", "region", "kept"),
    [
        ("", "", ""),
        ("+86 138 0013 8000", "", "+8613800138000"),
        ("138 0013 8000", "CN", "+8613800138000"),
        ("＋８６１３８００１３８０００", "", "+8613800138000"),
        ("+٩٦٦٥٠١٢٣٤٥٦٧", "", "+966501234567"),
        ("(020) 7946 0958", "GB", "+442079460958"),
    ],
)
def test_phone_numbers_are_stored_in_e164(conference: Conference, given: str, region: str, kept: str) -> None:
    conference.phone_region = region
    registration = register(
        conference=conference, name="Ann", email="ann@example.com", phone=given
    ).registration
    assert registration.phone == kept


@pytest.mark.parametrize("phone", ["138 0013 8000", "+86", "+999123456789", "abc", "+8613800138000" * 10])
def test_invalid_phone_numbers_are_refused(conference: Conference, phone: str) -> None:
    with pytest.raises(ValidationError) as caught:
        register(conference=conference, name="Ann", email="ann@example.com", phone=phone)
    assert set(caught.value.message_dict) == {"phone"}


@pytest.mark.parametrize(
    ("wanted", "picked"),
    [
        ("zh-hans", "zh-hans"),
        ("zh-CN", "zh-hans"),
        ("EN", "en"),
        ("en_GB", "en"),
        ("fr", "zh-hans"),
        ("", "zh-hans"),
    ],
)
def test_the_closest_language_of_the_conference_is_chosen(
    conference: Conference, wanted: str, picked: str
) -> None:
    conference.languages = ["zh-hans", "en"]
    registration = register(
        conference=conference, name="Ann", email="ann@example.com", language=wanted
    ).registration
    assert registration.language == picked


def test_answers_keep_their_types(conference: Conference) -> None:
    answers = {
        "饮食": ["素食", "🥜"],
        "guests": 2,
        "vip": True,
        "rate": 0.5,
        "note": "two\nlines",
        "none": None,
    }
    registration = register(
        conference=conference, name="Ann", email="ann@example.com", answers=answers
    ).registration
    registration.refresh_from_db()
    assert registration.answers == answers
    assert registration.registered_at.tzinfo == dt.UTC


@pytest.mark.parametrize("name", ["Win at https://evil.example", "evil.com", "www.evil.example", "t.me/evil"])
def test_a_name_with_a_web_address_is_refused(conference: Conference, name: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        register(conference=conference, name=name, email="victim@example.com")
    assert set(refusal.value.message_dict) == {"name"}
    assert not Registration.objects.exists()


@pytest.mark.parametrize(
    ("name", "stored"), [("\u202eAnn\u200b", "Ann"), ("Ann\u3164", "Ann"), ("\u3164", None), ("\u200b", None)]
)
def test_invisible_characters_are_removed_from_names(
    conference: Conference, name: str, stored: str | None
) -> None:
    if stored is None:
        with pytest.raises(ValidationError):
            register(conference=conference, name=name, email="ann@example.com")
    else:
        assert register(conference=conference, name=name, email="ann@example.com").registration.name == stored
