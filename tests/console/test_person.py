"""One page per person: what it shows, and what can be done there."""

import re

import pytest
from django.contrib.auth.models import User

from conferences.models import CheckIn, Conference, Registration
from conferences.services.registrations import decide, register
from conferences.states import Action
from sharing.models import Void
from tests.console.builders import build_branch
from tests.console.conftest import Browser

pytestmark = pytest.mark.django_db

PEOPLE = "/console/c/summit/people/"


def text_of(html: str) -> str:
    main = html.split("<main", 1)[1].split("</main>")[0]
    return " ".join(re.sub(r"<[^>]+>", " ", main).split())


@pytest.fixture
def ann(conference: Conference) -> Registration:
    return register(
        conference=conference, name="Ann", email="ann@example.com", phone="+8613800138000",
        answers={"company": "星河"},
    ).registration  # fmt: skip


def test_a_person_shows_their_way_and_whom_they_brought(
    conference: Conference, victor: User, browser: Browser
) -> None:
    build_branch(conference)
    client = browser(victor)
    cleo = Registration.objects.get(name="Cleo 陈")
    html = client.get(f"{PEOPLE}{cleo.id}/").content.decode()
    way = html.split('<ol class="card-body way">')[1].split("</ol>")[0]
    assert re.findall(r"<(?:a|b)[^>]*>([^<]+)</", way) == ["Ada Amsel", "Ben Bach", "Cleo 陈"]
    ada = Registration.objects.get(name="Ada Amsel")
    told = text_of(client.get(f"{PEOPLE}{ada.id}/").content.decode())
    assert "3 registrations, 2 of them directly" in told
    assert {"Ben Bach", "Dan Damm"} <= {name for name in ("Ben Bach", "Dan Damm", "Eve Eder") if name in told}
    assert "By themselves" in told


def test_details_answers_and_history_are_shown(
    conference: Conference, bob: User, browser: Browser, ann: Registration
) -> None:
    conference.questions = [{"key": "company", "kind": "text", "label": {"en": "Your company"}}]
    conference.save()
    decide(ann.id, Action.CANCEL, by=bob)
    told = text_of(browser(bob).get(f"{PEOPLE}{ann.id}/").content.decode())
    assert "Your company 星河" in told
    assert "+8613800138000" in told
    history = told.split("History")[1]
    assert history.index("Cancelled") < history.index("Registered")
    assert "bob" in history


def test_a_helper_checks_in_and_undoes_it(
    conference: Conference, bob: User, victor: User, browser: Browser, ann: Registration
) -> None:
    assert browser(victor).post(f"{PEOPLE}{ann.id}/check-in/").status_code == 403
    client = browser(bob)
    client.post(f"{PEOPLE}{ann.id}/check-in/")
    made = CheckIn.objects.get()
    assert (made.registration_id, made.checked_in_by) == (ann.id, bob)
    client.post(f"{PEOPLE}check-ins/{made.id}/undo/")
    assert not CheckIn.objects.filter(undone_at=None).exists()
    assert "Check-in undone" in client.get(f"{PEOPLE}{ann.id}/").content.decode()


def test_a_cancelled_person_is_registered_again_once(
    conference: Conference, bob: User, browser: Browser, ann: Registration
) -> None:
    client = browser(bob)
    decide(ann.id, Action.CANCEL, by=bob)
    for _ in range(2):
        client.post(f"{PEOPLE}{ann.id}/again/")
    again = Registration.objects.get()
    assert (again.pk, again.state, again.answers) == (ann.pk, "approved", {"company": "星河"})
    history = [moment.text for moment in client.get(f"{PEOPLE}{ann.id}/").context["history"]]
    assert history[:2] == ["Approved", "Cancelled"]
    assert history[-1] == "Registered"


def test_an_owner_voids_with_a_reason_and_undoes_it(
    conference: Conference, alice: User, browser: Browser, ann: Registration
) -> None:
    client = browser(alice)
    address = f"{PEOPLE}{ann.id}/void/"
    client.post(address, {"reason": ""})
    assert not Void.objects.exists()
    client.post(address, {"reason": "a test"})
    assert "a test" in client.get(f"{PEOPLE}{ann.id}/").content.decode()
    client.post(address, {"undo": "1"})
    assert Void.objects.get().undone_at is not None


def test_a_badge_is_for_people_who_may_come_in(
    conference: Conference, bob: User, victor: User, browser: Browser, ann: Registration
) -> None:
    address = f"{PEOPLE}{ann.id}/badge/"
    html = browser(bob).get(address).content.decode()
    assert f"/api/conferences/summit/registrations/{ann.id}/badge.svg" in html
    assert ann.id in html
    assert browser(victor).get(address).status_code == 403
    decide(ann.id, Action.CANCEL, by=bob)
    assert browser(bob).get(address).status_code == 302


def test_somebody_of_another_conference_is_not_found(
    conference: Conference, charlie: User, browser: Browser, ann: Registration
) -> None:
    from conferences import services

    services.create_conference(owner=charlie, id="other", name="Other", time_zone="UTC")
    for end in ("", "badge/"):
        assert browser(charlie).get(f"/console/c/other/people/{ann.id}/{end}").status_code == 404
