"""The overview: the same figures as the API, ranges, comparison, and its curve."""

import datetime as dt
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from analytics.days import summaries
from conferences import services
from conferences.models import Conference
from console.selectors import overview
from tests.analytics.builders import on_sql
from tests.console.builders import DAY, NOON, build_branch, store
from tests.console.conftest import Browser

pytestmark = pytest.mark.django_db

PAGE = "/console/c/summit/"
DAYS = {"from": "2026-05-01", "to": "2026-05-01"}


def view(event_id: str, visitor: str, at: dt.datetime) -> dict[str, Any]:
    return {"event_id": event_id, "type": "page_view", "visitor_id": visitor, "ts": at}


def test_page_list_and_api_say_the_same(
    conference: Conference, alice: User, browser: Browser, api: Any
) -> None:
    build_branch(conference)
    context = browser(alice).get(PAGE, DAYS).context
    query = "conference_id=summit&from=2026-05-01&to=2026-05-01"
    (day,) = api(alice).get(f"/api/analytics/daily?{query}").json()["results"]
    assert context["tiles"]["visitors"]["now"] == day["uv"] == 1
    assert context["sums"]["pv"] == day["pv"]
    assert context["sums"]["registrations"] == day["registrations"] == 5
    assert context["sums"]["share_conversions"] == day["share_conversions"] == 3
    csv = api(alice).get(f"/api/analytics/daily?{query}&format=csv")
    rows = b"".join(csv.streaming_content).decode("utf-8-sig").splitlines()
    assert dict(zip(rows[0].split(","), rows[1].split(","), strict=True))["registrations"] == "5"
    (item,) = browser(alice).get("/console/").context["glances"]
    assert item["glance"].registrations == 5
    live = browser(alice).get(f"{PAGE}live/").context["snapshot"]
    assert live["attendance"]["registered"] == 5


def test_a_visitor_of_two_days_counts_once(conference: Conference, alice: User, browser: Browser) -> None:
    later = NOON + dt.timedelta(days=1)
    store(view("a", "v1", NOON), view("b", "v1", later), view("c", "v2", later))
    summaries.compute_range("summit", DAY, DAY + dt.timedelta(days=1))
    context = browser(alice).get(PAGE, {"from": "2026-05-01", "to": "2026-05-02"}).context
    assert context["tiles"]["visitors"]["now"] == 2
    assert [item["value"] for item in context["chart"]["items"]] == [1, 2]


def test_the_unfinished_day_is_compared_with_the_same_hours(conference: Conference) -> None:
    yesterday = NOON - dt.timedelta(days=1)
    store(
        view("early", "v1", yesterday - dt.timedelta(hours=1)),
        view("late", "v2", yesterday + dt.timedelta(hours=1)), view("now", "v3", NOON),
    )  # fmt: skip
    span = overview.read_range(conference, {"range": "today"}, now=NOON)
    counted = overview.count_visitors(conference, span)
    assert (counted["visitors"], counted["visitors_before"]) == (1, 1)
    whole = overview.read_range(conference, DAYS, now=NOON + dt.timedelta(days=3))
    assert overview.count_visitors(conference, whole)["visitors_before"] == 2


def test_bots_are_hidden_and_counted_apart(conference: Conference, alice: User, browser: Browser) -> None:
    store(view("a", "v1", NOON), {**view("bot", "v9", NOON), "bot": True})
    context = browser(alice).get(PAGE, DAYS).context
    assert (context["tiles"]["visitors"]["now"], context["counted"]["bots"]) == (1, 1)


@pytest.mark.parametrize(
    "query", [{"from": "x", "to": "y"}, {"from": "2026-05-02", "to": "2026-05-01"}, {"range": "99"}]
)
def test_a_senseless_range_is_the_usual_one(
    conference: Conference, alice: User, browser: Browser, query: dict[str, str]
) -> None:
    span = browser(alice).get(PAGE, query).context["span"]
    assert (span.name, span.days) == ("14", 14)


def test_the_curve_stands_beside_an_earlier_conference(
    conference: Conference, alice: User, browser: Browser
) -> None:
    build_branch(conference)
    doors = NOON + dt.timedelta(days=10)
    services.update_conference(conference, starts_at=doors, capacity=8)
    services.create_conference(
        owner=alice, id="former", name="Former", time_zone="UTC", starts_at=doors - dt.timedelta(days=365)
    )
    curve = browser(alice).get(PAGE).context["doors"]
    assert (curve["total"], curve["other"].id, curve["table"][0]) == (5, "former", (10, 5))


@on_sql
def test_queries_do_not_grow_with_days(
    conference: Conference, alice: User, browser: Browser, django_assert_num_queries: Any
) -> None:
    build_branch(conference)
    client = browser(alice)
    with django_assert_num_queries(20):
        client.get(PAGE, DAYS)
    with django_assert_num_queries(20):
        client.get(PAGE, {"from": "2026-04-01", "to": f"{timezone.now():%Y-%m-%d}"})
