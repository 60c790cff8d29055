"""Checking in and undoing it by API; badges and their codes."""

import pytest
import segno
from django.contrib.auth.models import User
from django.core.signing import Signer
from django.test import Client, override_settings

from conferences import badges
from conferences.models import CheckIn, Conference, Registration
from conferences.services.registrations import register
from tests.conferences.api.conftest import Api

pytestmark = pytest.mark.django_db

URL = "/api/conferences/summit/checkins"


def test_a_second_scan_returns_the_first_time(ann: Registration, bob: User, api: Api) -> None:
    first = api(bob).post(URL, {"code": badges.make_code(ann), "gate": "North"}, format="json")
    assert first.status_code == 201
    assert first.json()["status"] == "checked_in"
    assert first.json()["check_in"]["name"] == "Ann"
    assert first.json()["check_in"]["method"] == "qr"
    second = api(bob).post(URL, {"code": badges.make_code(ann), "gate": "South"}, format="json")
    assert second.status_code == 200
    assert second.json()["status"] == "already_checked_in"
    assert second.json()["checked_in_at"] == first.json()["checked_in_at"]
    assert second.json()["check_in"]["gate"] == "North"
    assert CheckIn.objects.count() == 1


def test_a_check_in_by_registration_can_be_undone(ann: Registration, bob: User, api: Api) -> None:
    made = api(bob).post(URL, {"registration_id": ann.id}, format="json").json()["check_in"]
    assert (made["method"], made["checked_in_by"]) == ("manual", "bob")
    undone = api(bob).post(f"{URL}/{made['id']}/undo")
    assert undone.status_code == 200
    assert undone.json()["undone_by"] == "bob"
    assert api(bob).post(f"{URL}/{made['id']}/undo").json() == undone.json()
    again = api(bob).post(URL, {"registration_id": ann.id}, format="json")
    assert again.json()["status"] == "checked_in"
    listed = api(bob).get(URL).json()["results"]
    assert [entry["undone_at"] is None for entry in listed] == [True, False]


def test_a_repeated_request_does_not_reverse_an_undo(ann: Registration, bob: User, api: Api) -> None:
    """A scanner that was offline resends its queue."""
    body, key = {"registration_id": ann.id}, {"Idempotency-Key": "scan-1"}
    first = api(bob).post(URL, body, format="json", headers=key)
    api(bob).post(f"{URL}/{first.json()['check_in']['id']}/undo")
    again = api(bob).post(URL, body, format="json", headers=key)
    assert (again.status_code, again.json()["status"]) == (201, "checked_in")
    assert CheckIn.objects.filter(undone_at=None).count() == 0
    other = api(bob).post(URL, {**body, "gate": "South"}, format="json", headers=key)
    assert other.json()["error"]["code"] == "idempotency_key_reused"


@pytest.mark.parametrize(
    ("state", "status", "code"),
    [
        ("pending", 409, "not_approved"),
        ("rejected", 409, "not_approved"),
        ("cancelled", 409, "registration_cancelled"),
    ],
)
def test_badges_of_inadmissible_attendees_are_refused(
    ann: Registration, bob: User, api: Api, state: str, status: int, code: str
) -> None:
    Registration.objects.filter(id=ann.id).update(state=state)
    ann.refresh_from_db()
    link = badges.make_link(ann).partition("/api/")[2]
    for answer in (
        api(bob).post(URL, {"code": badges.make_code(ann)}, format="json"),
        api(bob).get(f"/api/conferences/summit/registrations/{ann.id}/badge.svg"),
        Client().get(f"/api/{link}"),
    ):
        assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert not CheckIn.objects.exists()


def test_forged_and_foreign_codes_are_refused(ann: Registration, bob: User, api: Api) -> None:
    other = Conference.objects.create(id="other", name="Other")
    foreign = register(conference=other, name="Eve", email="eve@example.com").registration
    code = badges.make_code(ann)
    link_token = badges.make_link(ann).rpartition("/")[2].removesuffix(".svg")
    swapped = f"{foreign.id}:{code.partition(':')[2]}"
    unsalted = Signer().sign(ann.id)
    forged = [ann.id, f"{ann.id}:", code[:-1], f"{code}x", swapped, "🎫", "\x01", unsalted, link_token]
    for bad in forged:
        answer = api(bob).post(URL, {"code": bad}, format="json")
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "invalid_code"), bad
    answer = api(bob).post(URL, {"code": badges.make_code(foreign)}, format="json")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "foreign_badge")
    answer = api(bob).post(URL, {"registration_id": foreign.id}, format="json")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")
    assert not CheckIn.objects.exists()


def test_codes_survive_a_change_of_the_secret_key(ann: Registration, conference: Conference) -> None:
    code = badges.make_code(ann)
    with override_settings(SECRET_KEY="new", SECRET_KEY_FALLBACKS=["only-for-tests"]):
        assert badges.find_by_code(conference, code) == ann
        assert badges.make_code(ann) != code


@pytest.mark.parametrize(
    ("body", "fields"),
    [({}, {"code"}), ({"code": "a", "registration_id": "b"}, {"code"}), ({"code": "x" * 513}, {"code"}),
     ({"code": "a", "gate": "a\nb"}, {"gate"}), ({"code": "a", "method": "x" * 33}, {"method"})],
)  # fmt: skip
def test_bad_input_is_named(
    conference: Conference, bob: User, api: Api, body: dict[str, str], fields: set[str]
) -> None:
    answer = api(bob).post(URL, body, format="json")
    assert answer.status_code == 400
    assert set(answer.json()["error"]["details"]) == fields


def test_the_badge_shows_the_check_in_code(ann: Registration, bob: User, api: Api) -> None:
    svg = api(bob).get(f"/api/conferences/summit/registrations/{ann.id}/badge.svg")
    assert (svg.status_code, svg["Content-Type"]) == (200, "image/svg+xml")
    assert svg.content == badges.draw_qr(badges.make_code(ann), kind="svg")
    png = api(bob).get(f"/api/conferences/summit/registrations/{ann.id}/badge.png")
    assert png.content.startswith(b"\x89PNG")
    expected = segno.make(badges.make_code(ann), error="m", micro=False)
    assert expected.designator in ("6-M", "5-M", "7-M")


def test_a_signed_address_shows_attendees_their_badge(ann: Registration) -> None:
    address = badges.make_link(ann, "png")
    assert address.startswith("http://localhost:8000/api/badges/")
    answer = Client().get(address.removeprefix("http://localhost:8000"))
    assert answer.status_code == 200
    assert answer.content == badges.draw_qr(badges.make_code(ann), kind="png")
    assert "no-store" in answer["Cache-Control"]


def test_a_check_in_code_does_not_open_a_badge(ann: Registration) -> None:
    answer = Client().get(f"/api/badges/{badges.make_code(ann)}.svg")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "invalid_code")
