"""GET /api/analytics/summary"""

import csv
import datetime as dt
import io
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from analytics.days.summaries import refresh_dirty_days
from analytics.ranges.results import PANELS
from conferences.models import Conference
from tests.analytics.builders import DAY, NOON, page_view, store

pytestmark = pytest.mark.django_db

PATH = "/api/analytics/summary"
Api = Callable[[User | None], APIClient]
RANGE = {"conference_id": "summit", "from": "2026-04-28", "to": "2026-05-01"}


@pytest.fixture
def four_days(conference: Conference) -> Conference:
    """A page view on each of the eight days to `DAY`; two visitors."""
    for days in range(8):
        ts = NOON - dt.timedelta(days=days)
        store(page_view(f"e{days}", ts=ts, page=f"/{days % 3}", visitor_id=f"v{days % 2}"))
    refresh_dirty_days()
    return conference


def get(client: APIClient, **parameters: Any) -> dict[str, Any]:
    answer = client.get(PATH, {**RANGE, **parameters})
    assert answer.status_code == 200, answer.content
    found: dict[str, Any] = answer.json()
    return found


def test_a_member_reads_a_range(api: Api, four_days: Conference, bob: User) -> None:
    found = get(api(bob), compare="previous")
    assert found["totals"] == {
        "pv": 4, "uv": 2, "visits": 4, "bounces": 4, "bounce_rate": 1.0, "duration_seconds": 0.0,
        "share_opens": 0, "registrations": 0, "registrations_reported": 0, "checkins": 0, "shares": 0,
        "share_conversions": 0, "bots": 0,
    }  # fmt: skip
    assert [day["date"] for day in found["days"]] == ["2026-04-28", "2026-04-29", "2026-04-30", "2026-05-01"]
    assert found["compare"]["from"] == "2026-04-24"
    assert found["compare"]["to"] == "2026-04-27"
    assert found["compare"]["until"] is None
    assert found["compare"]["totals"]["pv"] == 4
    assert found["hours"][0] == {
        "begins_at": "2026-04-28T12:00:00+08:00", "pv": 1, "uv": 1, "registrations": 0, "checkins": 0,
    }  # fmt: skip
    assert [day["pv"] for day in found["compare"]["days"]] == [1, 1, 1, 1]
    assert found["compare"]["hours"] == []
    assert set(found["panels"]) == set(PANELS)
    assert found["panels"]["pages"]["rows"][0] == {"value": "/0", "count": 2, "visitors": 2}


def test_filters_select_visits(api: Api, four_days: Conference, alice: User) -> None:
    found = get(api(alice), filter=["page:is:/0", "page:contains:/"])
    assert (found["totals"]["pv"], found["totals"]["uv"]) == (2, 2)
    assert found["totals"]["shares"] is None
    assert found["filters"] == ["page:contains:/", "page:is:/0"]


def test_a_panel_has_a_limit_and_others(api: Api, four_days: Conference, alice: User) -> None:
    panel = get(api(alice), limit=1)["panels"]["pages"]
    assert (len(panel["rows"]), panel["others_count"], panel["others_values"]) == (1, 2, 2)


def test_an_unfinished_day_is_compared_up_to_the_same_time(
    api: Api, conference: Conference, alice: User
) -> None:
    now = dt.datetime.now(dt.UTC)
    store(
        page_view("today", ts=now - dt.timedelta(seconds=90)),
        page_view("before", ts=now - dt.timedelta(days=1, minutes=5), visitor_id="v2"),
        page_view("after", ts=now - dt.timedelta(days=1) + dt.timedelta(minutes=3), visitor_id="v2"),
    )
    refresh_dirty_days()
    today = now.astimezone(dt.timezone(dt.timedelta(hours=8))).date()
    if (now - dt.timedelta(minutes=6)).astimezone(dt.timezone(dt.timedelta(hours=8))).date() != today:
        pytest.skip("at midnight in Shanghai")
    found = get(api(alice), **{"from": today.isoformat(), "to": today.isoformat(), "compare": "previous"})
    assert found["totals"]["pv"] == 1
    assert (found["compare"]["totals"]["pv"], found["compare"]["totals"]["visits"]) == (1, 1)
    assert found["compare"]["until"] is not None


def test_a_panel_is_a_csv_file(api: Api, four_days: Conference, alice: User) -> None:
    answer = api(alice).get(PATH, {**RANGE, "format": "csv", "panel": "pages"})
    text = b"".join(answer.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
    assert list(csv.reader(io.StringIO(text))) == [
        ["value", "count", "visitors"], ["/0", "2", "2"], ["/1", "1", "1"], ["/2", "1", "1"],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("parameters", "named"),
    [
        ({"filter": "page"}, "filter"),
        ({"filter": "colour:is:red"}, "filter"),
        ({"filter": "page:like:x"}, "filter"),
        ({"filter": "page:contains:"}, "filter"),
        ({"filter": [f"page:is:{number}" for number in range(11)]}, "filter"),
        ({"filter": "page:is:" + "x" * 600}, "filter"),
        ({"from": "2020-01-01"}, "from"),
        ({"to": "2026-04-01"}, "to"),
        ({"compare": "year"}, "compare"),
        ({"limit": "0"}, "limit"),
        ({"panel": "colours"}, "panel"),
        ({"format": "csv"}, "panel"),
    ],
)
def test_bad_input_names_its_field(
    api: Api, conference: Conference, alice: User, parameters: dict[str, Any], named: str
) -> None:
    answer = api(alice).get(PATH, {**RANGE, **parameters})
    assert answer.status_code == 400
    assert named in str(answer.json()["error"]["details"])


def test_strangers_get_404(api: Api, four_days: Conference, charlie: User) -> None:
    assert api(charlie).get(PATH, RANGE).status_code == 404
    assert api(None).get(PATH, RANGE).status_code == 401


def test_a_conference_without_events_has_zeros(api: Api, conference: Conference, alice: User) -> None:
    found = get(api(alice), filter="app:is:WeChat")
    assert (found["totals"]["pv"], found["totals"]["visits"], found["hours"]) == (0, 0, [])
    assert DAY.isoformat() in [day["date"] for day in found["days"]]
