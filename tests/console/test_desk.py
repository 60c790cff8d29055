"""The check-in desk: what a steward finds, and does not see."""

import pytest
from django.contrib.auth.models import User

from conferences import badges
from conferences.models import CheckIn, Conference, Registration
from conferences.services.registrations import register
from tests.console.conftest import Browser

pytestmark = pytest.mark.django_db

DESK = "/console/c/summit/desk/"


@pytest.fixture
def ann(conference: Conference) -> Registration:
    made = register(
        conference=conference, name="Ann Émile", email="secret@example.com", phone="+8613800138000"
    ).registration
    Registration.objects.filter(pk=made.pk).update(state="approved")
    return made


def test_a_steward_sees_no_address_and_no_number(ann: Registration, stella: User, browser: Browser) -> None:
    page = browser(stella).get(DESK, {"q": "emile"}).content.decode()
    assert "Ann Émile" in page
    assert "secret" not in page
    assert "13800138000" not in page


@pytest.mark.parametrize("q", ["secret", "example.com", "13800"])
def test_addresses_and_numbers_find_nobody(ann: Registration, stella: User, browser: Browser, q: str) -> None:
    page = browser(stella).get(DESK, {"q": q})
    assert page.status_code == 200
    assert "Ann Émile" not in page.content.decode()


def test_a_badge_finds_its_attendee_and_lets_them_in(
    ann: Registration, stella: User, browser: Browser
) -> None:
    client = browser(stella)
    assert "Ann Émile" in client.get(DESK, {"q": badges.make_code(ann)}).content.decode()
    for text in ("is checked in", "was checked in already"):
        assert text in client.post(f"{DESK}in/{ann.pk}/", {"q": "Ann"}, follow=True).content.decode()
    assert CheckIn.objects.filter(registration=ann, undone_at=None).count() == 1


def test_a_forged_badge_is_named(ann: Registration, stella: User, browser: Browser) -> None:
    page = browser(stella).get(DESK, {"q": f"{ann.pk}:forged"}).content.decode()
    assert "Ann Émile" not in page
    assert 'role="alert"' in page


def test_helpers_undo_a_check_in_and_stewards_do_not(
    ann: Registration, stella: User, bob: User, browser: Browser
) -> None:
    browser(stella).post(f"{DESK}in/{ann.pk}/")
    undo = f"{DESK}undo/{CheckIn.objects.get().pk}/"
    assert browser(stella).post(undo).status_code == 403
    assert browser(bob).post(undo).status_code == 302
    assert CheckIn.objects.get().undone_at is not None


def test_who_is_not_approved_is_not_let_in(ann: Registration, stella: User, browser: Browser) -> None:
    Registration.objects.filter(pk=ann.pk).update(state="pending")
    client = browser(stella)
    assert "not approved" in client.get(DESK, {"q": "Ann"}).content.decode()
    client.post(f"{DESK}in/{ann.pk}/")
    assert not CheckIn.objects.exists()
