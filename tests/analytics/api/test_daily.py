"""GET /api/analytics/daily"""

import csv
import datetime as dt
import io
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.http import StreamingHttpResponse
from django.test import Client
from rest_framework.test import APIClient

from analytics.days.summaries import refresh_dirty_days
from analytics.models import DailySummary
from conferences.models import Conference, Member
from meeteasy.core.http import csv_response
from meeteasy.core.spreadsheets import neutralise_formula
from meeteasy.core.tokens import ApiToken
from tests.analytics.builders import DAY, NOON, page_view, store

pytestmark = pytest.mark.django_db

PATH = "/api/analytics/daily"
Api = Callable[[User | None], APIClient]


@pytest.fixture
def five_days(conference: Conference) -> Conference:
    store(*(page_view(f"e{days}", ts=NOON - dt.timedelta(days=days)) for days in range(5)))
    refresh_dirty_days()
    return conference


def assert_error(answer: Any, status: int, code: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.content
    error: dict[str, Any] = answer.json()["error"]
    assert error["code"] == code
    assert set(error) == {"code", "message", "details"}
    return error


def test_a_member_reads_every_figure_in_order_of_days(api: Api, five_days: Conference, bob: User) -> None:
    answer = api(bob).get(PATH, {"conference_id": "summit"})

    assert answer.status_code == 200
    results = answer.json()["results"]
    assert [row["date"] for row in results] == [
        f"2026-{day}" for day in ("04-27", "04-28", "04-29", "04-30", "05-01")
    ]
    assert list(results[0])[:4] == ["date", "conference_id", "pv", "uv"]
    assert results[0]["conference_id"] == "summit"
    assert (results[0]["pv"], results[0]["uv"], results[0]["revision"]) == (1, 1, 1)
    assert results[0]["closed_at"] is None


def test_the_contracts_figures_are_always_there(api: Api, five_days: Conference, alice: User) -> None:
    DailySummary.objects.update(figures={"pv": 3})  # computed before the other types existed
    (row, *_) = api(alice).get(PATH, {"conference_id": "summit"}).json()["results"]

    for name in ("pv", "uv", "registrations", "checkins"):
        assert isinstance(row[name], int)
    assert (row["pv"], row["checkins"]) == (3, 0)


@pytest.mark.parametrize(
    ("first", "last", "days"),
    [
        ("2026-04-29", None, 3),
        (None, "2026-04-28", 2),
        ("2026-04-28", "2026-04-30", 3),
        ("2026-05-01", "2026-05-01", 1),
        ("2027-01-01", None, 0),
    ],
)
def test_from_and_to_are_inclusive_and_optional(
    api: Api, five_days: Conference, alice: User, first: str | None, last: str | None, days: int
) -> None:
    query = {name: value for name, value in (("from", first), ("to", last)) if value}
    answer = api(alice).get(PATH, {"conference_id": "summit", **query})

    assert len(answer.json()["results"]) == days


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({}, "conference_id"),
        ({"conference_id": ""}, "conference_id"),
        ({"conference_id": "x" * 65}, "conference_id"),
        ({"conference_id": "a\0b"}, "conference_id"),
        ({"conference_id": "summit", "from": "yesterday"}, "from"),
        ({"conference_id": "summit", "from": "2026-13-01"}, "from"),
        ({"conference_id": "summit", "to": "2026-02-30"}, "to"),
        ({"conference_id": "summit", "from": "2026-05-02", "to": "2026-05-01"}, "to"),
    ],
)
def test_a_bad_query_gets_a_named_error(
    api: Api, conference: Conference, alice: User, query: dict[str, str], field: str
) -> None:
    error = assert_error(api(alice).get(PATH, query), 400, "invalid")

    assert list(error["details"]) == [field]


def test_each_page_leads_to_the_next(api: Api, five_days: Conference, alice: User) -> None:
    query = {"conference_id": "summit", "page_size": 2}
    first = api(alice).get(PATH, query).json()
    second = api(alice).get(PATH, {**query, "cursor": first["next"]}).json()
    third = api(alice).get(PATH, {**query, "cursor": second["next"]}).json()

    assert third["next"] is None
    dates = [row["date"] for page in (first, second, third) for row in page["results"]]
    assert dates == sorted(set(dates))
    assert len(dates) == 5


def test_a_page_has_at_most_a_thousand_rows(api: Api, conference: Conference, alice: User) -> None:
    DailySummary.objects.bulk_create(
        DailySummary(
            id=f"summit:{number}",
            conference_id="summit",
            date=DAY + dt.timedelta(days=number),
            figures={},
            computed_at=NOON,
        )
        for number in range(1001)
    )
    answer = api(alice).get(PATH, {"conference_id": "summit", "page_size": 1000})

    assert len(answer.json()["results"]) == 1000
    error = assert_error(api(alice).get(PATH, {"conference_id": "summit", "page_size": 1001}), 400, "invalid")
    assert list(error["details"]) == ["page_size"]


def test_more_days_need_no_more_queries(
    api: Api, five_days: Conference, alice: User, django_assert_max_num_queries: Any
) -> None:
    client = api(alice)
    with django_assert_max_num_queries(3):  # token, membership, page
        client.get(PATH, {"conference_id": "summit"})


def test_an_anonymous_request_gets_401(api: Api, five_days: Conference) -> None:
    answer = api(None).get(PATH, {"conference_id": "summit"})

    assert_error(answer, 401, "not_authenticated")
    assert answer["WWW-Authenticate"] == "Token"


def test_a_wrong_token_is_refused(five_days: Conference) -> None:
    answer = APIClient().get(PATH, {"conference_id": "summit"}, HTTP_AUTHORIZATION="Token nonsense")

    assert_error(answer, 401, "authentication_failed")


def test_a_stranger_cannot_tell_whether_a_conference_exists(
    api: Api, five_days: Conference, charlie: User
) -> None:
    foreign = assert_error(api(charlie).get(PATH, {"conference_id": "summit"}), 404, "not_found")
    missing = assert_error(api(charlie).get(PATH, {"conference_id": "nowhere"}), 404, "not_found")

    assert foreign["message"].replace("summit", "nowhere") == missing["message"]


def test_a_viewer_reads_too(api: Api, five_days: Conference, charlie: User) -> None:
    Member.objects.create(conference=five_days, user=charlie, role=Member.Role.VIEWER)

    assert api(charlie).get(PATH, {"conference_id": "summit"}).status_code == 200


def test_a_session_works_as_a_token_does(five_days: Conference, alice: User) -> None:
    browser = Client()
    browser.force_login(alice)

    assert browser.get(PATH, {"conference_id": "summit"}).status_code == 200


def test_a_deactivated_user_is_refused(api: Api, five_days: Conference, alice: User) -> None:
    client = api(alice)
    alice.is_active = False
    alice.save()

    assert_error(client.get(PATH, {"conference_id": "summit"}), 401, "authentication_failed")
    assert ApiToken.objects.filter(user=alice).exists()


def test_there_is_no_trailing_slash(api: Api, five_days: Conference, alice: User) -> None:
    assert_error(api(alice).get(f"{PATH}/", {"conference_id": "summit"}), 404, "not_found")


def test_summaries_are_read_only(api: Api, five_days: Conference, alice: User) -> None:
    for method in ("post", "put", "patch", "delete"):
        answer = getattr(api(alice), method)(f"{PATH}?conference_id=summit")
        assert_error(answer, 405, "method_not_allowed")


def read_csv(answer: Any) -> list[dict[str, str]]:
    assert isinstance(answer, StreamingHttpResponse)
    text = b"".join(answer).decode("utf-8-sig")  # type: ignore[arg-type]
    return list(csv.DictReader(io.StringIO(text)))


def test_csv_has_all_days_of_the_range(api: Api, five_days: Conference, alice: User) -> None:
    query = {"conference_id": "summit", "format": "csv", "from": "2026-04-28", "page_size": 1}
    answer = api(alice).get(PATH, query)

    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert 'filename="daily-summit.csv"' in answer["Content-Disposition"]
    rows = read_csv(answer)
    assert [row["date"] for row in rows] == ["2026-04-28", "2026-04-29", "2026-04-30", "2026-05-01"]
    assert list(rows[0])[:4] == ["date", "conference_id", "pv", "uv"]
    assert rows[0]["pv"] == "1"


def test_csv_errors_are_json(api: Api, five_days: Conference, charlie: User) -> None:
    answer = api(charlie).get(PATH, {"conference_id": "summit", "format": "csv"})

    assert_error(answer, 404, "not_found")
    assert answer["Content-Type"] == "application/json"


def test_another_format_is_refused(api: Api, five_days: Conference, alice: User) -> None:
    assert_error(api(alice).get(PATH, {"conference_id": "summit", "format": "xml"}), 404, "not_found")


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_formulas_in_csv_are_neutralised(text: str) -> None:
    assert neutralise_formula(text) == f"'{text}"
    (row,) = read_csv(csv_response("x.csv", ["name", "n"], [{"name": text, "n": -1}]))
    assert row == {"name": f"'{text}", "n": "-1"}


@pytest.mark.parametrize("code", ["-Ab12", "--x_", "-1", "_-.a"])
def test_codes_in_csv_stay_as_they_are(code: str) -> None:
    (row,) = read_csv(
        csv_response("x.csv", ["code", "name"], [{"code": code, "name": "-A1"}], codes=["code"])
    )

    assert row == {"code": code, "name": "'-A1"}


@pytest.mark.parametrize("text", ["=1+1", "-1+cmd|'/c calc'!A1", "@x", "-a\n=1"])
def test_a_column_of_codes_is_guarded_against_other_values(text: str) -> None:
    (row,) = read_csv(csv_response("x.csv", ["code"], [{"code": text}], codes=["code"]))

    assert row == {"code": f"'{text}"}


def test_a_formula_behind_apostrophes_gets_one_more() -> None:
    (row,) = read_csv(csv_response("x.csv", ["a", "b"], [{"a": "'=x", "b": "'tis"}]))

    assert row == {"a": "''=x", "b": "'tis"}


def test_csv_is_streamed_while_the_rows_are_read() -> None:
    read = 0

    def rows() -> Iterator[dict[str, Any]]:
        nonlocal read
        for number in range(100_000):
            read += 1
            yield {"n": number}

    answer = csv_response("x.csv", ["n"], rows())

    pieces = iter(answer)
    assert 0 < len(next(pieces)) + len(next(pieces)) < 10_000
    assert 0 < read < 1000
