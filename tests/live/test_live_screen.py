import pytest
from django.contrib.auth.models import User
from django.test import Client

from conferences.models import Conference

LIVE = "/console/c/summit/live/"


def sign_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_a_member_sees_the_screen_of_the_conference(conference: Conference, bob: User) -> None:
    page = sign_in(bob).get(LIVE)
    assert page.status_code == 200
    html = page.content.decode()
    assert 'data-conference="summit"' in html
    assert "<script>" not in html
    assert "onclick" not in html
    assert " style=" not in html  # a strict Content-Security-Policy holds


@pytest.mark.parametrize("conference_id", ["summit", "no-such-conference"])
def test_a_stranger_gets_404_even_if_the_conference_exists(
    conference: Conference, charlie: User, conference_id: str
) -> None:
    assert sign_in(charlie).get(f"/console/c/{conference_id}/live/").status_code == 404


def test_the_former_address_leads_to_the_console(conference: Conference, bob: User) -> None:
    assert sign_in(bob).get("/live/summit")["Location"] == LIVE
    assert sign_in(bob).get("/live")["Location"] == "/console/"


def test_a_non_admin_organizer_returns_after_signing_in(conference: Conference, bob: User) -> None:
    bob.set_password("a-long-password")
    bob.save()
    client = Client()
    refused = client.get(LIVE)
    assert (refused.status_code, refused["Location"]) == (302, f"/accounts/login/?next={LIVE}")
    assert client.get(refused["Location"]).status_code == 200
    signed_in = client.post(
        "/accounts/login/", {"username": "bob", "password": "a-long-password", "next": LIVE}
    )
    assert (signed_in.status_code, signed_in["Location"]) == (302, LIVE)


def test_markup_in_a_name_stays_text(conference: Conference, alice: User) -> None:
    conference.name = "<script>alert(1)</script>"
    conference.save()
    page = sign_in(alice).get(LIVE).content.decode()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page
