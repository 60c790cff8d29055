"""Every address below /api/ is closed unless it is listed here as public. To strangers it does not exist.

A new endpoint without an access rule fails here.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.urls.converters import get_converters
from rest_framework.test import APIClient

from conferences.models import Conference

pytestmark = pytest.mark.django_db

# By name and method. Every entry needs a reason to be open to everybody.
PUBLIC = {
    ("api-schema", "get"),
    ("api-docs", "get"),
    # Anybody registers; a badge's address is signed.
    ("conferences-registration-list", "post"),
    ("conferences-badge", "get"),
    # A provider authenticates itself as its module says (notifications/channels/sms).
    *(("notifications-sms-callback", method) for method in ("get", "post", "put", "patch", "delete")),
}
# Their lists are the same for everybody and belong to no conference.
OF_NO_CONFERENCE = {"sharing-credit-models"}
METHODS = ("get", "post", "put", "patch", "delete")
# The values of an address's parameters here: the conference exists, everything else does not.
PARAMETERS = {"conference_id": "summit"}
BY_CONVERTER = {"uuid": "0199d3a8-6f5e-7c1a-9b7e-0a4f6d2c8e10", "int": 1}


def patterns(resolver: URLResolver, prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    """(path, pattern) of all addresses below a resolver."""
    for entry in resolver.url_patterns:
        path = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from patterns(entry, path)
        else:
            yield path, entry


def doors() -> list[tuple[str, str, str]]:
    """(name, method, address) of everything below /api/ that answers."""
    kinds = {type(converter): kind for kind, converter in get_converters().items()}
    found = []
    for path, pattern in patterns(get_resolver()):
        if not path.startswith("api/"):
            continue
        assert pattern.name, f"{path} has no name"
        arguments = {
            name: PARAMETERS.get(name, BY_CONVERTER.get(kinds[type(converter)], "x"))
            for name, converter in pattern.pattern.converters.items()
        }
        view: Any = getattr(pattern.callback, "view_class", None)  # None: a plain function
        methods = [method for method in METHODS if view is None or hasattr(view, method)]
        if view is not None:
            methods = [method for method in methods if method in view.http_method_names]
        address = reverse(pattern.name, kwargs=arguments)
        found += [(pattern.name, method, address) for method in methods]
    return found


DOORS = doors()


def test_the_walk_finds_the_addresses() -> None:
    names = {name for name, _, _ in DOORS}
    assert {"conferences-list", "conferences-detail", "analytics-daily", "analytics-live"} <= names
    assert all("<" not in address for _, _, address in DOORS), (
        "an address with a parameter that was not filled"
    )


def test_every_public_door_exists() -> None:
    assert {(name, method) for name, method, _ in DOORS} >= PUBLIC


@pytest.mark.parametrize(("name", "method", "address"), DOORS, ids=[f"{door[1]} {door[0]}" for door in DOORS])
def test_anonymous_clients_are_refused_unless_the_door_is_public(
    name: str, method: str, address: str, conference: Conference, api: Callable[[User | None], APIClient]
) -> None:
    answer = getattr(api(None), method)(address, {"conference_id": "summit"}, **_format(method))

    if (name, method) in PUBLIC:
        assert answer.status_code not in (401, 403), "listed as public without need"
    else:
        assert answer.status_code in (401, 403), answer.content
        assert answer.json()["error"]["code"] in ("not_authenticated", "permission_denied")


@pytest.mark.parametrize(
    ("name", "method", "address"),
    [door for door in DOORS if "/summit" in door[2] and (door[0], door[1]) not in PUBLIC],
    ids=lambda value: value if "/" not in value else "",
)
def test_a_stranger_gets_404_at_every_conference_address(
    name: str,
    method: str,
    address: str,
    conference: Conference,
    charlie: User,
    api: Callable[[User | None], APIClient],
) -> None:
    answer = getattr(api(charlie), method)(address, {"conference_id": "summit"}, **_format(method))

    assert answer.status_code == 404, answer.content
    assert answer.json()["error"]["code"] == "not_found"


@pytest.mark.parametrize(
    ("name", "address"),
    [
        (name, address)
        for name, method, address in DOORS
        if method == "get" and (name, method) not in PUBLIC and name not in OF_NO_CONFERENCE
    ],
)
def test_a_conference_in_the_query_shows_strangers_nothing(
    name: str,
    address: str,
    conference: Conference,
    charlie: User,
    api: Callable[[User | None], APIClient],
) -> None:
    answer = api(charlie).get(address, {"conference_id": "summit"})

    assert answer.status_code in (200, 400, 404)
    if answer.status_code == 200:
        assert answer.json()["results"] == [], "a list of what is the stranger's own"


def test_unknown_addresses_get_404_in_the_api_shape(
    api: Callable[[User | None], APIClient],
) -> None:
    for address in ("/api/", "/api/nothing", "/api/conferences/", "/api/analytics/daily/", "/api/a%0Ab"):
        answer = api(None).get(address)
        assert answer.status_code == 404
        assert answer.json()["error"]["code"] == "not_found"


def test_no_shared_cache_keeps_an_answer(
    conference: Conference, api: Callable[[User | None], APIClient], alice: User
) -> None:
    asked = {"conference_id": "summit"}
    assert api(alice).get("/api/conferences/summit/registrations")["Cache-Control"] == "no-store"
    assert api(None).get("/api/conferences")["Cache-Control"] == "no-store"
    summary = api(alice).get("/api/analytics/summary", asked)
    assert (summary.has_header("ETag"), summary["Cache-Control"]) == (True, "private, no-cache")
    again = api(alice).get("/api/analytics/summary", asked, headers={"If-None-Match": summary["ETag"]})
    assert (again.status_code, again["Cache-Control"]) == (304, "private, no-cache")


def _format(method: str) -> dict[str, str]:
    return {} if method == "get" else {"format": "json"}
