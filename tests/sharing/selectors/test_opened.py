"""The codes that a registrant opened, in the registration's path and in the admin."""

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from conferences.models import Conference
from tests.sharing.api.test_api import Api, get, happen
from tests.sharing.cast import opened, registered, share
from tests.support.environment import STORE

pytestmark = pytest.mark.django_db


@pytest.fixture
def story(conference: Conference) -> None:
    happen(share(1, "va", "aaaa"), share(1, "va", "bbbb"))
    happen(opened(5, "vc", "aaaa"), opened(3, "vc", "aaaa"), opened(4, "vc", "bbbb"))
    happen(opened(2, "vc", "aaaa", bot=True), opened(2, "vd", "aaaa"))
    happen(opened(2, "vc", "aaaa", conference_id="other"))
    happen(registered(6, "vc", "r-c"), registered(6, "", "r-nobody"))
    happen(opened(6.5, "vc", "nobodys"), opened(6.5, "vc", "b"), opened(7, "vc", "aaaa"))


def test_each_code_has_its_first_and_last_open(story: None, api: Api, alice: User) -> None:
    at = "2026-05-01T01:{}Z"
    once = {"first_opened_at": at.format("53:10"), "last_opened_at": at.format("53:10"), "count": 1}
    assert get(api(alice), "conversions/r-c")["opened"] == [
        {
            "code": "aaaa", "first_opened_at": at.format("49:40"), "last_opened_at": at.format("53:40"),
            "count": 3,
        },
        {"code": "b", **once},
        {"code": "nobodys", **once},
        {
            "code": "bbbb", "first_opened_at": at.format("50:40"), "last_opened_at": at.format("50:40"),
            "count": 1,
        },
    ]  # fmt: skip
    assert get(api(alice), "conversions/r-nobody")["opened"] == []


def test_only_the_last_hundred_opened_codes_are_shown(story: None, api: Api, alice: User) -> None:
    happen(*(opened(10 + number, "vc", f"code{number:03}") for number in range(120)))
    codes = [row["code"] for row in get(api(alice), "conversions/r-c")["opened"]]
    assert codes == [f"code{number:03}" for number in reversed(range(20, 120))]


def test_the_admin_shows_opened_codes_beside_the_conversion(story: None) -> None:
    admin = Client()
    admin.force_login(User.objects.create_superuser("root"))
    page = admin.get("/admin/sharing/shareconversion/summit_2Fr-c/change/").content.decode()
    assert (
        "<td>aaaa</td><td>May 1, 2026, 1:49 a.m. UTC</td><td>May 1, 2026, 1:53 a.m. UTC</td><td>3</td>"
        in page
    )


@pytest.mark.skipif(STORE != "sqlite", reason="PostgreSQL's planner goes by the number of rows")
def test_opened_codes_are_found_by_the_visitor(story: None, api: Api, alice: User) -> None:
    with CaptureQueriesContext(connection) as queries:
        get(api(alice), "conversions/r-c")
    (of_opens,) = [query["sql"] for query in queries if 'FROM "sharing_shareopen"' in query["sql"]]
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {of_opens}")
        steps = [step[3] for step in cursor.fetchall()]
    assert "SEARCH sharing_shareopen USING INDEX open_visitor (visitor=?)" in steps
