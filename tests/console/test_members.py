"""Members: roles, invitations by mail, and what others see of them."""

import datetime as dt
import re

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.test import Client
from django.utils import timezone

from conferences.models import Conference, Member
from console.models import Invitation, OrganizerMail
from tests.console.conftest import Browser
from tests.console.test_signing_in import send_waiting_mails

pytestmark = pytest.mark.django_db

MEMBERS = "/console/c/summit/members/"


def invite(client: Client, email: str = "new@example.com", role: str = "steward") -> str:
    """Invite somebody and return the path of the link in their mail."""
    client.post(f"{MEMBERS}invite/", {"email": email, "role": role})
    send_waiting_mails()
    (link,) = re.findall(r"https?://[^/]+(/console/invitations/\S+)", mail.outbox[-1].body)
    return link


def test_an_invited_person_becomes_a_member(conference: Conference, alice: User, browser: Browser) -> None:
    link = invite(browser(alice))
    client = Client()
    assert client.get(link).status_code == 200
    given = {"username": "nora", "password1": "another-long-one", "password2": "another-long-one"}
    assert client.post(link, given).status_code == 302
    member = Member.objects.get(user__username="nora")
    assert (member.conference_id, member.role, member.user.email) == ("summit", "steward", "new@example.com")
    assert client.get("/console/c/summit/desk/").status_code == 200
    assert client.get(link).status_code == 410


def test_somebody_with_an_account_accepts_with_it(
    conference: Conference, alice: User, charlie: User, browser: Browser
) -> None:
    link = invite(browser(alice), "charlie@example.com", "viewer")
    anonymous = Client().get(link).content.decode()
    assert "password1" not in anonymous
    browser(charlie).post(link)
    assert Member.objects.get(user=charlie).role == "viewer"


def test_an_expired_invitation_lets_nobody_in(conference: Conference, alice: User, browser: Browser) -> None:
    link = invite(browser(alice))
    Invitation.objects.update(expires_at=timezone.now() - dt.timedelta(seconds=1))
    assert Client().get(link).status_code == 410


def test_a_withdrawn_invitation_is_gone(conference: Conference, alice: User, browser: Browser) -> None:
    client = browser(alice)
    link = invite(client)
    client.post(f"{MEMBERS}invitations/{Invitation.objects.get().pk}/withdraw/")
    assert Client().get(link).status_code == 404


def test_a_forged_link_is_not_found(conference: Conference, alice: User, browser: Browser) -> None:
    link = invite(browser(alice))
    assert Client().get(link.replace(":", ":x", 1)).status_code == 404


def test_inviting_an_address_again_renews_its_invitation(
    conference: Conference, alice: User, browser: Browser
) -> None:
    client = browser(alice)
    invite(client)
    invite(client, role="helper")
    assert [row.role for row in Invitation.objects.all()] == ["helper"]
    assert OrganizerMail.objects.count() == 2


def test_the_last_owner_stays(conference: Conference, alice: User, browser: Browser) -> None:
    own = Member.objects.get(user=alice)
    page = browser(alice).post(f"{MEMBERS}{own.pk}/role/", {"role": "viewer"}, follow=True)
    assert "name another one first" in page.content.decode()
    own.refresh_from_db()
    assert own.role == "owner"


def test_owners_change_roles_and_end_memberships(
    conference: Conference, alice: User, bob: User, browser: Browser
) -> None:
    member = Member.objects.get(user=bob)
    browser(alice).post(f"{MEMBERS}{member.pk}/role/", {"role": "steward"})
    member.refresh_from_db()
    assert member.role == "steward"
    browser(alice).post(f"{MEMBERS}{member.pk}/remove/")
    assert not Member.objects.filter(user=bob).exists()


def test_only_owners_see_mail_addresses_of_members(
    conference: Conference, alice: User, victor: User, browser: Browser
) -> None:
    assert "bob@example.com" in browser(alice).get(MEMBERS).content.decode()
    assert "bob@example.com" not in browser(victor).get(MEMBERS).content.decode()
