"""Domains and website ids that stand for a conference: claimed, proved by the site, or given by staff."""

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from conferences.aliases import normalise_domain, normalise_website
from conferences.models import Alias, Conference
from conferences.services.aliases import MAX_ALIASES, check_alias, give_alias, ring_waiting_checks
from meeteasy.core import http_client
from meeteasy.core.errors import RefusedError
from tests.conferences.api.conftest import Api

URL = "/api/conferences/summit/aliases"

pytestmark = pytest.mark.django_db


@pytest.fixture
def sites(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """What the web answers, by address; everything else is 404."""
    pages: dict[str, str] = {}

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.host.endswith("gone.example"):
            raise httpx.ConnectError("refused")
        text = pages.get(str(request.url))
        return httpx.Response(404 if text is None else 200, text=text or "")

    client = httpx.Client(transport=httpx.MockTransport(answer))
    monkeypatch.setattr(http_client, "_client", lambda: client)
    yield pages
    client.close()


def claim(api: Api, user: User, name: str | None = "example.org", kind: str = "domain") -> dict[str, Any]:
    body = {"kind": kind} if name is None else {"kind": kind, "name": name}
    answer = api(user).post(URL, body, format="json")
    assert answer.status_code == 201, answer.content
    made: dict[str, Any] = answer.json()
    return made


def check(api: Api, user: User, made: dict[str, Any]) -> dict[str, Any]:
    """Ask for a check, and do what the worker does."""
    asked = api(user).post(f"{URL}/{made['id']}/check")
    assert asked.status_code == 202
    check_alias(made["id"])
    found: dict[str, Any] = api(user).get(f"{URL}/{made['id']}").json()
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("example.org", "example.org"),
        (" WWW.Example.ORG. ", "example.org"),
        ("Straße.example", "xn--strae-oqa.example"),
        ("localhost", None),
        ("https://example.org", None),
        ("example.org/path", None),
        ("exa mple.org", None),
        ("\0.example", None),
        ("\ud800.example", None),
        ("a" * 64 + ".example", None),
        ("a." * 200 + "example", None),
        ("", None),
    ],
)
def test_domains_are_compared_in_one_form(text: str, expected: str | None) -> None:
    assert normalise_domain(text) == expected


def test_website_ids_are_uuids() -> None:
    assert normalise_website("0199D3A8-6F5E-7C1A-9B7E-0A4F6D2C8E10") == "0199d3a8-6f5e-7c1a-9b7e-0a4f6d2c8e10"
    for text in (
        "",
        "summit",
        "0199d3a86f5e7c1a9b7e0a4f6d2c8e10",
        "0199d3a8-6f5e-7c1a-9b7e-0a4f6d2c8e1\u0663",
    ):
        assert normalise_website(text) is None


@pytest.mark.parametrize("where", ["https://example.org/.well-known/meeteasy.txt",
                                   "https://www.example.org/.well-known/meeteasy.txt"])  # fmt: skip
def test_a_file_on_the_site_proves_its_domain(
    conference: Conference, alice: User, api: Api, sites: dict[str, str], where: str
) -> None:
    made = claim(api, alice, "www.Example.org")
    assert (made["name"], made["verified_at"]) == ("example.org", None)
    sites[where] = f"{made['proof']}\n"

    found = check(api, alice, made)

    assert found["verified_at"] is not None
    assert (found["check_problem"], found["is_check_requested"]) == ("", False)


def test_a_tag_of_the_home_page_proves_its_domain(
    conference: Conference, alice: User, api: Api, sites: dict[str, str]
) -> None:
    made = claim(api, alice)
    sites["https://example.org/"] = f"<html><head>{made['meta_tag']}</head></html>"
    assert check(api, alice, made)["verified_at"] is not None


def test_what_visitors_write_on_a_site_proves_nothing(
    conference: Conference, alice: User, api: Api, sites: dict[str, str]
) -> None:
    made = claim(api, alice)
    sites["https://example.org/"] = f'<p>{made["proof"]} meeteasy-site content="{made["proof"]}"</p>'
    sites["https://example.org/.well-known/meeteasy.txt"] = f"x{made['proof']}"

    found = check(api, alice, made)

    assert found["verified_at"] is None
    assert "https://example.org/: HTTP 200, without the proof" in found["check_problem"]


def test_an_unreachable_site_is_named(
    conference: Conference, alice: User, api: Api, sites: dict[str, str]
) -> None:
    found = check(api, alice, claim(api, alice, "gone.example"))
    assert found["verified_at"] is None
    assert "https://gone.example/: no connection" in found["check_problem"]


def test_nobody_claims_anothers_name(
    conference: Conference, alice: User, charlie: User, api: Api, sites: dict[str, str]
) -> None:
    other = Conference.objects.create(id="other", name="Other")
    theirs = other.aliases.create(kind="domain", name="example.org", proof="p", verified_at=timezone.now())
    made = claim(api, alice)  # claiming is free; proving it is not enough while another has it
    sites["https://example.org/.well-known/meeteasy.txt"] = made["proof"]

    found = check(api, alice, made)
    assert found["verified_at"] is None
    assert "Another conference" in found["check_problem"]

    theirs.delete()
    assert check(api, alice, made)["verified_at"] is not None
    with pytest.raises(IntegrityError), transaction.atomic():
        other.aliases.create(kind="domain", name="example.org", proof="p", verified_at=timezone.now())


def test_a_new_website_id_is_the_conferences_at_once(conference: Conference, alice: User, api: Api) -> None:
    made = claim(api, alice, None, kind="website")
    assert normalise_website(made["name"]) == made["name"]
    assert made["verified_at"] is not None


def test_the_id_of_an_existing_website_is_given_by_staff(
    conference: Conference, alice: User, api: Api
) -> None:
    made = claim(api, alice, "0199d3a8-6f5e-7c1a-9b7e-0a4f6d2c8e10", kind="website")
    assert made["verified_at"] is None
    answer = api(alice).post(f"{URL}/{made['id']}/check")
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "not_checkable")


def test_a_lost_check_is_asked_for_again_and_given_up_in_the_end(
    conference: Conference, alice: User, api: Api, sites: dict[str, str]
) -> None:
    made = claim(api, alice)
    api(alice).post(f"{URL}/{made['id']}/check")
    long_ago = timezone.now() - dt.timedelta(minutes=5)
    Alias.objects.update(check_requested_at=long_ago, check_attempts=3)  # workers that were killed at it
    ring_waiting_checks()
    assert Alias.objects.get().check_requested_at > long_ago

    check_alias(made["id"])

    alias = Alias.objects.get()
    assert (alias.check_requested_at, alias.check_problem) == (None, "The site did not answer in time.")
    check_alias(made["id"])  # nothing is asked for any more
    assert Alias.objects.get().check_attempts == 4


def test_aliases_are_for_owners(
    conference: Conference, alice: User, bob: User, charlie: User, api: Api
) -> None:
    made = claim(api, alice)
    for user, status in ((bob, 403), (charlie, 404)):
        assert api(user).get(URL).status_code == status
        assert api(user).post(URL, {"kind": "website"}, format="json").status_code == status
        assert api(user).get(f"{URL}/{made['id']}").status_code == status
        assert api(user).post(f"{URL}/{made['id']}/check").status_code == status
        assert api(user).delete(f"{URL}/{made['id']}").status_code == status
    assert api(alice).delete(f"{URL}/{made['id']}").status_code == 204
    assert api(alice).get(URL).json()["results"] == []


@pytest.mark.parametrize(
    ("body", "field"),
    [({"kind": "domain"}, "name"), ({"kind": "domain", "name": "not a domain"}, "name"),
     ({"kind": "website", "name": "summit"}, "name"), ({"kind": "pixel"}, "kind")],
)  # fmt: skip
def test_bad_input_is_named(
    conference: Conference, alice: User, api: Api, body: dict[str, str], field: str
) -> None:
    answer = api(alice).post(URL, body, format="json")
    assert (answer.status_code, list(answer.json()["error"]["details"])) == (400, [field])


def test_a_conference_has_a_bounded_number_of_aliases(conference: Conference, alice: User, api: Api) -> None:
    for _ in range(MAX_ALIASES):
        claim(api, alice, None, kind="website")
    answer = api(alice).post(URL, {"kind": "website"}, format="json")
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "too_many_aliases")


def test_a_claim_is_made_once(conference: Conference, alice: User, api: Api) -> None:
    claim(api, alice)
    answer = api(alice).post(URL, {"kind": "domain", "name": "EXAMPLE.org"}, format="json")
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "alias_exists")


@pytest.fixture
def staff(db: None) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("root", "root@example.com"))
    return client


def test_what_staff_adds_counts_at_once(conference: Conference, staff: Client) -> None:
    add = "/admin/conferences/alias/add/"
    form = {"conference": "summit", "kind": "website", "name": "0199D3A8-6f5e-7c1a-9b7e-0a4f6d2c8e10"}
    assert staff.post(add, form).status_code == 302
    alias = Alias.objects.get()
    assert (alias.name, alias.created_by.username) == ("0199d3a8-6f5e-7c1a-9b7e-0a4f6d2c8e10", "root")  # type: ignore[union-attr]
    assert alias.verified_at is not None

    Conference.objects.create(id="other", name="Other")
    answer = staff.post(add, {**form, "conference": "other"})
    assert (answer.status_code, Alias.objects.count()) == (200, 1)
    assert b"Another conference has this name" in answer.content


def test_staff_gives_a_claimed_name(conference: Conference, alice: User, api: Api, staff: Client) -> None:
    made = claim(api, alice)
    page = "/admin/conferences/alias/"
    staff.post(page, {"action": "give", "_selected_action": [made["id"]]})
    assert Alias.objects.get().verified_at is not None
    assert b"example.org" in staff.get(page).content


def test_the_admin_shows_a_new_key_once_and_revokes_it(conference: Conference, staff: Client) -> None:
    page = "/admin/conferences/eventkey/"
    form = {"conference": "summit", "kind": "secret", "name": "Shop"}
    answer = staff.post(f"{page}add/", form, follow=True)
    shown = [str(message) for message in answer.context["messages"]]
    key = conference.event_keys.get()
    assert any(f"{key.prefix}" in message for message in shown)
    assert key.created_by.username == "root"  # type: ignore[union-attr]

    assert key.prefix.encode() in staff.get(page).content
    assert staff.get(f"{page}{key.pk}/change/").status_code == 200
    staff.post(page, {"action": "revoke", "_selected_action": [key.pk]})
    key.refresh_from_db()
    assert key.revoked_at is not None


def test_the_race_for_a_name_has_one_winner(conference: Conference, make_alias: Callable[..., Alias]) -> None:
    first, second = make_alias("summit"), make_alias("other")
    give_alias(first)
    with pytest.raises(RefusedError):
        give_alias(second)
    give_alias(first)  # harmless to repeat
    second.refresh_from_db()
    assert second.verified_at is None


@pytest.fixture
def make_alias(conference: Conference) -> Callable[..., Alias]:
    Conference.objects.create(id="other", name="Other")
    return lambda of: Alias.objects.create(conference_id=of, kind="domain", name="example.org", proof="p")
