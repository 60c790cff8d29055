"""GET /api/analytics/live"""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from rest_framework.test import APIClient

from analytics.days.zones import day_bounds, local_date
from analytics.selectors.live import count_visitors_now, get_live
from conferences import services
from conferences.models import Conference
from tests.analytics.builders import page_view, store
from tests.support.services import free_port

pytestmark = pytest.mark.django_db

PATH = "/api/analytics/live"


def day_of(conference: Conference, instant: dt.datetime) -> dt.date:
    return local_date(conference.time_zone, round(instant.timestamp() * 1000))


def test_live_shows_today_and_the_current_visitors(
    conference: Conference, alice: User, api: Callable[[User], APIClient]
) -> None:
    now = timezone.now()
    minutes = dt.timedelta(minutes=1)
    store(
        page_view("a", ts=now),
        page_view("b", ts=now, visitor_id="v2"),
        page_view("again", ts=now - minutes, visitor_id="v2"),
        page_view("gone", ts=now - 6 * minutes, visitor_id="v3"),
        page_view("bot", ts=now, visitor_id="v4", bot=True),
    )

    answer = api(alice).get(PATH, {"conference_id": "summit"})

    assert answer.status_code == 200
    body = answer.json()
    assert body["conference_id"] == "summit"
    assert body["visitors_now"] == 2
    if day_of(conference, now - 6 * minutes) == day_of(conference, now):
        assert (body["pv"], body["uv"]) == (4, 3)


def test_visitors_leave_after_five_minutes_without_a_page_view(conference: Conference) -> None:
    now = timezone.now()
    store(page_view("a", ts=now))

    assert count_visitors_now(conference, now=now) == 1
    assert count_visitors_now(conference, now=now + dt.timedelta(minutes=4, seconds=59)) == 1
    assert count_visitors_now(conference, now=now + dt.timedelta(minutes=5, seconds=1)) == 0


def test_every_event_makes_a_visitor_present(conference: Conference) -> None:
    now = timezone.now()
    store(
        page_view("a", ts=now, visitor_id="v1"),
        {"event_id": "b", "type": "ai_chat", "ts": now, "visitor_id": "v1"},
        {"event_id": "c", "type": "ai_chat", "ts": now, "visitor_id": "v2"},
        {"event_id": "d", "type": "share_open", "ts": now, "visitor_id": "v2"},
        {"event_id": "e", "type": "registration", "ts": now, "visitor_id": "v3", "registration_id": "r"},
        {"event_id": "f", "type": "registration", "ts": now, "registration_id": "r2"},  # of no visitor
        {"event_id": "g", "type": "ai_chat", "ts": now, "visitor_id": "v4", "bot": True},
        {"event_id": "h", "type": "ai_chat", "ts": now - dt.timedelta(minutes=6), "visitor_id": "v5"},
    )

    assert count_visitors_now(conference, now=now) == 3


def test_late_views_do_not_end_a_visit(conference: Conference) -> None:
    now = timezone.now()
    four_minutes = dt.timedelta(minutes=4)
    store(page_view("new", ts=now), page_view("old", ts=now - four_minutes))
    store(page_view("older", ts=now - four_minutes))

    assert count_visitors_now(conference, now=now + four_minutes) == 1


def test_visitors_stay_across_midnight(conference: Conference) -> None:
    midnight, _ = day_bounds(conference.time_zone, day_of(conference, timezone.now()))
    minutes = dt.timedelta(minutes=1)
    store(
        page_view("before", ts=midnight - 2 * minutes, visitor_id="v1"),
        page_view("after", ts=midnight + minutes, visitor_id="v2"),
    )

    assert count_visitors_now(conference, now=midnight + minutes) == 2
    assert count_visitors_now(conference, now=midnight + 4 * minutes) == 1


def test_repeated_events_count_once(conference: Conference) -> None:
    now = timezone.now()
    for _ in range(3):
        store(page_view("a", ts=now))

    live = get_live(conference, now=now)
    assert (live["pv"], live["visitors_now"]) == (1, 1)


def test_today_is_the_conferences_local_day(conference: Conference) -> None:
    late = dt.datetime(2026, 5, 1, 23, 30, tzinfo=dt.UTC)  # 2 May in Shanghai

    assert get_live(conference, now=late)["date"] == "2026-05-02"
    services.update_conference(conference, time_zone="America/New_York")
    assert get_live(conference, now=late)["date"] == "2026-05-01"


def test_redis_that_is_away_gets_503(
    conference: Conference, alice: User, api: Callable[[User], APIClient], settings: Any
) -> None:
    settings.REDIS_URL = f"redis://127.0.0.1:{free_port()}/0"  # nobody listens there

    answer = api(alice).get(PATH, {"conference_id": "summit"})

    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "unavailable"


def test_figures_are_remembered_for_a_moment(
    conference: Conference, alice: User, api: Callable[[User], APIClient], django_assert_num_queries: Any
) -> None:
    first = api(alice).get(PATH, {"conference_id": "summit"}).json()
    store(page_view("a", ts=timezone.now()))
    with django_assert_num_queries(0):
        assert get_live(conference) == first
    assert get_live(conference, fresh=True)["pv"] == 1


def test_strangers_get_404_and_anonymous_401(
    conference: Conference, charlie: User, api: Callable[[User | None], APIClient]
) -> None:
    assert api(charlie).get(PATH, {"conference_id": "summit"}).status_code == 404
    assert api(None).get(PATH, {"conference_id": "summit"}).status_code == 401
    assert api(charlie).get(PATH).json()["error"]["details"].keys() == {"conference_id"}
