"""Permissions of every conference endpoint. The tests walk the URL list.

An endpoint that is not in EXPECTED fails the test.
"""

from itertools import product

import pytest
from django.contrib.auth.models import User
from django.urls import URLPattern

from conferences.api.urls import urlpatterns
from conferences.models import Conference, Member, Registration
from conferences.services.aliases import claim_alias
from conferences.services.checkins import check_in
from conferences.services.exporting import start_export
from conferences.services.jobs import start_decision
from conferences.states import Action
from tests.conferences.api.conftest import Api

pytestmark = pytest.mark.django_db

METHODS = ("get", "post", "patch", "delete")
ROLES = ("owner", "helper", "viewer")
EVERYBODY = "everybody"
SIGNED_IN = "signed in"

# (endpoint, method): the lowest role that is allowed. All other methods answer 405.
EXPECTED = {
    ("conferences-list", "get"): SIGNED_IN,
    ("conferences-list", "post"): SIGNED_IN,
    ("conferences-detail", "get"): "viewer",
    ("conferences-detail", "patch"): "owner",
    ("conferences-member-list", "get"): "viewer",
    ("conferences-member-list", "post"): "owner",
    ("conferences-member-detail", "patch"): "owner",
    ("conferences-member-detail", "delete"): "owner",
    ("conferences-registration-list", "get"): "viewer",
    ("conferences-registration-list", "post"): EVERYBODY,
    ("conferences-registration-import", "post"): "helper",
    ("conferences-registration-decide", "post"): "helper",
    ("conferences-registration-detail", "get"): "viewer",
    ("conferences-registration-approve", "post"): "helper",
    ("conferences-registration-reject", "post"): "helper",
    ("conferences-registration-cancel", "post"): "helper",
    ("conferences-registration-badge", "get"): "helper",
    ("conferences-badge", "get"): EVERYBODY,
    ("conferences-job-list", "get"): "helper",
    ("conferences-job-detail", "get"): "helper",
    ("conferences-job-cancel", "post"): "helper",
    ("conferences-cancel", "post"): "owner",
    ("conferences-reinstate", "post"): "owner",
    ("conferences-retention", "get"): "owner",
    ("conferences-retention", "patch"): "owner",
    ("conferences-export-list", "get"): "viewer",
    ("conferences-export-list", "post"): "viewer",
    ("conferences-export-detail", "get"): "viewer",
    ("conferences-export-cancel", "post"): "viewer",
    ("conferences-export-result", "get"): "viewer",
    ("conferences-key-list", "get"): "owner",
    ("conferences-key-list", "post"): "owner",
    ("conferences-key-list", "delete"): "owner",
    ("conferences-alias-list", "get"): "owner",
    ("conferences-alias-list", "post"): "owner",
    ("conferences-alias-detail", "get"): "owner",
    ("conferences-alias-detail", "delete"): "owner",
    ("conferences-alias-check", "post"): "owner",
    ("conferences-checkin-list", "get"): "viewer",
    ("conferences-checkin-list", "post"): "helper",
    ("conferences-checkin-undo", "post"): "helper",
}


@pytest.fixture
def ids(ann: Registration, conference: Conference, bob: User) -> dict[str, str]:
    return {
        "conference_id": conference.id,
        "registration_id": ann.id,
        "check_in_id": check_in(ann.id, by=bob).check_in.id,
        "member_id": str(conference.members.get(user=bob).pk),
        "job_id": start_decision(conference=conference, action=Action.CANCEL, ids=[ann.id], by=bob).pk,
        "export_id": start_export(
            conference=conference, export="daily", format="csv", parameters={}, by=bob
        ).pk,
        "alias_id": str(claim_alias(conference=conference, kind="domain", name="summit.example", by=bob).pk),
        "token": "forged",
        "kind": "svg",
    }


def address(pattern: URLPattern, ids: dict[str, str]) -> str:
    from django.urls import reverse

    names = pattern.pattern.regex.groupindex
    return reverse(str(pattern.name), kwargs={name: ids[name] for name in names})


def test_every_endpoint_has_a_rule() -> None:
    assert {name for name, _ in EXPECTED} == {pattern.name for pattern in urlpatterns}


@pytest.mark.parametrize(("pattern", "method"), list(product(urlpatterns, METHODS)), ids=str)
def test_each_role_is_limited_to_its_rules(
    pattern: URLPattern, method: str, ids: dict[str, str], api: Api, alice: User, bob: User, charlie: User
) -> None:
    rule = EXPECTED.get((str(pattern.name), method))
    url = address(pattern, ids)

    def status(user: User | None) -> int:
        return getattr(api(user), method)(url, {}, format="json").status_code

    foreign = Conference.objects.create(id="foreign", name="Foreign")
    Member.objects.create(conference=foreign, user=charlie, role="owner")
    stranger, anonymous = status(charlie), status(None)
    if rule is None:
        assert anonymous in (401, 405)
        assert status(alice) == 405
    elif rule == EVERYBODY:
        assert {anonymous, stranger} <= {400, 404}  # depends on the input, not on the user
    elif rule == SIGNED_IN:
        assert anonymous == 401
        assert stranger in (200, 400)
    else:
        assert (anonymous, stranger) == (401, 404)
        for role in reversed(ROLES):
            Member.objects.update_or_create(
                conference_id=ids["conference_id"], user=charlie, defaults={"role": role}
            )
            allowed = ROLES.index(role) <= ROLES.index(rule)
            assert (status(charlie) not in (401, 403, 404)) is allowed, role


@pytest.mark.parametrize("name", ["registration_id", "check_in_id", "job_id", "member_id"])
def test_objects_of_another_conference_are_not_found(
    name: str, ids: dict[str, str], api: Api, charlie: User
) -> None:
    """Charlie owns a conference and uses its address to request objects of Alice's conference."""
    foreign = Conference.objects.create(id="foreign", name="Foreign")
    Member.objects.create(conference=foreign, user=charlie, role="owner")
    patterns = [pattern for pattern in urlpatterns if name in pattern.pattern.regex.groupindex]
    assert patterns
    for pattern, method in product(patterns, METHODS):
        if (str(pattern.name), method) in EXPECTED:
            url = address(pattern, {**ids, "conference_id": "foreign"})
            assert getattr(api(charlie), method)(url, {}, format="json").status_code == 404, url
