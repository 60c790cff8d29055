"""Keys of the event door on a page: shown once, revoked, required, with code to copy."""

import re

import pytest
from django.contrib.auth.models import User

from conferences.keys import read_key
from conferences.models import Conference, EventKey
from conferences.services.keys import MAX_KEYS, create_key
from meeteasy.core.tokens import digest_of
from tests.console.conftest import Browser

pytestmark = pytest.mark.django_db

KEYS = "/console/c/summit/settings/keys/"


def test_a_new_key_is_shown_once(conference: Conference, alice: User, browser: Browser) -> None:
    client = browser(alice)
    answer = client.post(KEYS, {"name": "ticket shop", "kind": "secret"})
    text = re.findall(r"sk_summit_[0-9a-f]{40}", answer.content.decode())
    assert "no-store" in answer["Cache-Control"]
    key = EventKey.objects.get()
    assert (key.name, key.created_by, key.digest) == ("ticket shop", alice, digest_of(text[0]))
    assert read_key(text[0]) is not None
    page = client.get(KEYS).content.decode()
    assert "ticket shop" in page
    assert text[0] not in page
    assert key.prefix in page


def test_the_code_to_copy_has_the_new_key(conference: Conference, alice: User, browser: Browser) -> None:
    page = browser(alice).post(KEYS, {"name": "site", "kind": "write"}).content.decode()
    assert re.search(r"events\?key=wk_summit_[0-9a-f]{40}", page)
    assert "data-conference=&quot;summit&quot;" in page or 'data-conference="summit"' in page


def test_a_revoked_key_stays_in_the_list(conference: Conference, alice: User, browser: Browser) -> None:
    key, _text = create_key(conference=conference, kind="write", name="old site", by=alice)
    client = browser(alice)
    page = client.post(f"{KEYS}{key.pk}/revoke/", follow=True).content.decode()
    key.refresh_from_db()
    assert key.revoked_at is not None
    assert "1 revoked key" in page
    assert f"{KEYS}{key.pk}/revoke/" not in page


def test_a_key_of_another_conference_is_not_found(
    conference: Conference, alice: User, charlie: User, browser: Browser
) -> None:
    from conferences import services

    other = services.create_conference(owner=charlie, id="other", name="Other")
    key, _text = create_key(conference=other, kind="write", name="theirs", by=charlie)
    assert browser(alice).post(f"{KEYS}{key.pk}/revoke/").status_code == 404
    assert browser(alice).post(f"{KEYS}{2**70}/revoke/").status_code == 404
    key.refresh_from_db()
    assert key.revoked_at is None


def test_bad_input_is_named_at_its_field(conference: Conference, alice: User, browser: Browser) -> None:
    client = browser(alice)
    page = client.post(KEYS, {"name": "", "kind": "write"})
    assert page.context["form"].errors.keys() == {"name"}
    page = client.post(KEYS, {"name": "two\nlines", "kind": "admin"})
    assert "kind" in page.context["form"].errors
    for number in range(MAX_KEYS):
        create_key(conference=conference, kind="write", name=f"k{number}", by=alice)
    page = client.post(KEYS, {"name": "one more", "kind": "write"})
    assert "at most" in page.content.decode()
    assert EventKey.objects.count() == MAX_KEYS


def test_owners_require_a_key(conference: Conference, alice: User, browser: Browser) -> None:
    client = browser(alice)
    client.post(f"{KEYS}required/", {"required": "on"})
    conference.refresh_from_db()
    assert conference.event_key_required
    assert "checked" in client.get(KEYS).content.decode()
    client.post(f"{KEYS}required/", {})
    conference.refresh_from_db()
    assert not conference.event_key_required


def test_the_page_has_a_fixed_number_of_queries(
    conference: Conference, alice: User, browser: Browser
) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    client = browser(alice)
    create_key(conference=conference, kind="write", name="first", by=alice)
    client.get(KEYS)
    with CaptureQueriesContext(connection) as few:
        client.get(KEYS)
    for number in range(10):
        create_key(conference=conference, kind="write", name=f"k{number}", by=alice)
    with CaptureQueriesContext(connection) as many:
        client.get(KEYS)
    assert len(many) == len(few)
