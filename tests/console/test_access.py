"""Every address of the console, as each role, a stranger and nobody."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.urls import URLPattern, reverse

from conferences.access import may
from conferences.models import Conference, Member
from console import urls
from tests.console.conftest import Browser

pytestmark = pytest.mark.django_db

# Open to people who are not signed in, each for a reason.
PUBLIC = {
    "console-password-reset", "console-password-set", "console-invitation", "console-view",
    "console-digest-stop",
}  # fmt: skip
_ANYTHING = {
    "registration_id": "x", "check_in_id": "x", "passage_id": "x", "code": "none1", "kind": "svg",
    "member_id": 0, "key_id": 0,
    "conversion_id": "x", "number": 1, "picture_id": "x", "job_id": "x", "export_id": "x", "key": "x",
    "language": "en", "message_id": "0199d3a8-6f5e-7c1a-9b7e-0a4f6d2c8e10", "name": "views", "view_id": "x",
    "notification_id": "0199d3a8-6f5e-7c1a-9b7e-0a4f6d2c8e10",
    "invitation_id": "0199d3a8-6f5e-7c1a-9b7e-0a4f6d2c8e10", "uidb64": "MQ", "token": "x",
}  # fmt: skip


def _pages(*, of_conference: bool) -> Iterator[Any]:
    for pattern in urls.urlpatterns:
        assert isinstance(pattern, URLPattern)
        names = set(pattern.pattern.converters)
        if ("conference_id" in names) == of_conference:
            yield pytest.param(pattern, id=str(pattern.name))


def _address(pattern: URLPattern, conference_id: str = "summit") -> str:
    values = {"conference_id": conference_id, **_ANYTHING}
    return reverse(str(pattern.name), kwargs={name: values[name] for name in pattern.pattern.converters})


@pytest.mark.parametrize("pattern", list(_pages(of_conference=True)))
def test_a_conferences_page_is_for_its_roles_only(
    conference: Conference, alice: User, bob: User, stella: User, victor: User, charlie: User,
    browser: Browser, pattern: URLPattern,
) -> None:  # fmt: skip
    needed = pattern.callback.needed_role
    address = _address(pattern)
    roles = Member.Role
    fine = {200, 302, 400, 405} | ({404} if len(pattern.pattern.converters) > 1 else set())
    for user, role in (
        (alice, roles.OWNER), (bob, roles.HELPER), (stella, roles.STEWARD), (victor, roles.VIEWER),
    ):  # fmt: skip
        for method in ("get", "post"):
            status = getattr(browser(user), method)(address).status_code
            if may(role, needed):
                assert status in fine, (role, method)
            else:
                assert status in (403, 405), (role, method)
    for user, wanted in ((charlie, 404), (None, 302)):
        statuses = {getattr(browser(user), method)(address).status_code for method in ("get", "post")}
        assert statuses in ({wanted}, {wanted, 405})
    if needed == roles.OWNER:
        assert browser(victor).post(address).status_code == 403


@pytest.mark.parametrize("pattern", list(_pages(of_conference=False)))
def test_other_pages_are_for_people_who_signed_in(
    browser: Browser, charlie: User, pattern: URLPattern
) -> None:
    status = browser(None).get(_address(pattern)).status_code
    if pattern.name in PUBLIC:
        assert status in (200, 404)
    else:
        assert status == 302
        assert browser(charlie).get(_address(pattern)).status_code == 200


def test_the_walk_has_pages_of_every_role() -> None:
    needed = {pattern.callback.needed_role for pattern in (p.values[0] for p in _pages(of_conference=True))}
    assert needed >= {Member.Role.OWNER, Member.Role.HELPER, Member.Role.STEWARD, Member.Role.VIEWER}


def test_a_conference_that_does_not_exist_looks_like_anothers(charlie: User, browser: Browser) -> None:
    for pattern in (p.values[0] for p in _pages(of_conference=True)):
        assert browser(charlie).get(_address(pattern, "no-such")).status_code in (404, 405)


def test_a_steward_reads_no_figures_from_the_api(conference: Conference, stella: User, api: Any) -> None:
    client = api(stella)
    for path in (
        "/api/conferences/summit", "/api/conferences/summit/registrations", "/api/conferences/summit/members",
        "/api/analytics/live?conference_id=summit", "/api/sharing/tree?conference_id=summit",
        "/api/analytics/daily?conference_id=summit&from=2026-05-01&to=2026-05-01",
        "/api/notifications?conference_id=summit",
    ):  # fmt: skip
        assert client.get(path).status_code == 403, path
    assert client.get("/api/conferences").json()["results"] == []


def test_a_steward_checks_an_attendee_in(conference: Conference, stella: User, api: Any) -> None:
    from conferences.services.registrations import register

    made = register(conference=conference, name="Ann", email="ann@example.com").registration
    made.state = "approved"
    made.save()
    answer = api(stella).post("/api/conferences/summit/checkins", {"registration_id": made.id}, format="json")
    assert answer.status_code == 201
    undo = f"/api/conferences/summit/checkins/{answer.json()['check_in']['id']}/undo"
    assert api(stella).post(undo).status_code == 403
