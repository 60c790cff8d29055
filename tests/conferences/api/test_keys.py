"""Keys of the event door in the API."""

from typing import Any

import pytest
from django.contrib.auth.models import User

from conferences.keys import read_key
from conferences.models import Conference, EventKey
from conferences.services.keys import MAX_KEYS
from tests.conferences.api.conftest import Api

URL = "/api/conferences/summit/keys"

pytestmark = pytest.mark.django_db


def test_a_key_is_shown_once_and_revoked(conference: Conference, alice: User, api: Api) -> None:
    made = api(alice).post(URL, {"kind": "secret", "name": "Ticket shop"}, format="json")
    assert made.status_code == 201
    key = made.json()["key"]
    given = read_key(key)
    assert given is not None
    assert given.conference_id == "summit"

    (listed,) = api(alice).get(URL).json()["results"]
    assert listed == {name: value for name, value in made.json().items() if name != "key"}
    assert key.startswith(listed["prefix"])
    assert (listed["created_by"], listed["last_used_at"], listed["revoked_at"]) == ("alice", None, None)
    stored = EventKey.objects.get()
    assert stored.digest == given.digest
    assert key not in repr(stored.__dict__)

    revoked = api(alice).delete(f"{URL}?id={listed['id']}").json()
    assert revoked["revoked_at"] is not None
    assert api(alice).delete(f"{URL}?id={listed['id']}").json() == revoked
    assert api(alice).get(URL).json()["results"] == [revoked]


def test_keys_are_for_owners(conference: Conference, alice: User, bob: User, charlie: User, api: Api) -> None:
    made = api(alice).post(URL, {"kind": "write", "name": "Site"}, format="json").json()
    for method in ("get", "post", "delete"):
        address = f"{URL}?id={made['id']}"
        assert getattr(api(bob), method)(address, {}, format="json").status_code == 403
        assert getattr(api(charlie), method)(address, {}, format="json").status_code == 404
    assert EventKey.objects.get().revoked_at is None


def test_another_conferences_key_is_not_found(conference: Conference, alice: User, api: Api) -> None:
    other = Conference.objects.create(id="other", name="Other")
    key = EventKey.objects.create(conference=other, kind="write", name="x", prefix="x", digest="x")
    assert api(alice).delete(f"{URL}?id={key.pk}").status_code == 404


@pytest.mark.parametrize(
    ("body", "field"),
    [({"kind": "master", "name": "x"}, "kind"), ({"kind": "write"}, "name"),
     ({"kind": "write", "name": "a\nb"}, "name"), ({"kind": "write", "name": "x", "key": "own"}, "key")],
)  # fmt: skip
def test_bad_input_is_named(
    conference: Conference, alice: User, api: Api, body: dict[str, Any], field: str
) -> None:
    answer = api(alice).post(URL, body, format="json")
    assert (answer.status_code, list(answer.json()["error"]["details"])) == (400, [field])


@pytest.mark.parametrize("query", ["", "?id=x", "?id=0", f"?id={2**70}", "?id=7"])
def test_a_bad_id_revokes_nothing(conference: Conference, alice: User, api: Api, query: str) -> None:
    assert api(alice).delete(f"{URL}{query}").status_code in (400, 404)


def test_a_conference_has_a_bounded_number_of_keys(conference: Conference, alice: User, api: Api) -> None:
    for number in range(MAX_KEYS):
        EventKey.objects.create(conference=conference, kind="write", name="x", digest=str(number))
    answer = api(alice).post(URL, {"kind": "write", "name": "more"}, format="json")
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "too_many_keys")

    api(alice).delete(f"{URL}?id={EventKey.objects.first().pk}")  # type: ignore[union-attr]
    assert api(alice).post(URL, {"kind": "write", "name": "more"}, format="json").status_code == 201


def test_whether_a_key_is_required_is_a_setting(conference: Conference, alice: User, api: Api) -> None:
    address = "/api/conferences/summit"
    assert api(alice).get(address).json()["event_key_required"] is False
    assert api(alice).patch(address, {"event_key_required": True}, format="json").status_code == 200
    conference.refresh_from_db()
    assert conference.event_key_required is True
