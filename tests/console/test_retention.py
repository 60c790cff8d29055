"""The page of retention: it shows what would go, and sets nothing before that was seen."""

import datetime as dt

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from analytics.days import summaries
from conferences.models import Conference
from tests.analytics.builders import page_view, store
from tests.console.conftest import Browser

pytestmark = pytest.mark.django_db

PAGE = "/console/c/summit/settings/retention/"


def test_it_shows_what_would_go_and_then_sets_it(
    conference: Conference, alice: User, browser: Browser
) -> None:
    old = timezone.now() - dt.timedelta(days=200)
    store(page_view("a", ts=old), page_view("b", ts=old), page_view("c", ts=old + dt.timedelta(days=1)))
    client, asked = (
        browser(alice),
        {"keep_events_days": "90", "keep_messages_days": "", "keep_files_days": ""},
    )
    shown = client.post(PAGE, asked).content.decode()
    assert 'class="right num">3</th>' in shown
    assert 'name="confirm"' in shown
    conference.refresh_from_db()
    assert conference.keep_events_days is None

    assert client.post(PAGE, {**asked, "confirm": "1"}).status_code == 302
    conference.refresh_from_db()
    assert conference.keep_events_days == 90
    page = client.get(PAGE).content.decode()
    assert 'value="90"' in page
    assert "In force from" in page


def test_a_number_out_of_bounds_is_named_and_not_set(
    conference: Conference, alice: User, browser: Browser
) -> None:
    shown = browser(alice).post(PAGE, {"keep_events_days": "7", "confirm": "1"}).content.decode()
    assert 'name="confirm"' not in shown
    assert "30" in shown
    conference.refresh_from_db()
    assert conference.retention_set_at is None


def test_the_overview_says_what_it_cannot_know(conference: Conference, alice: User, browser: Browser) -> None:
    now = timezone.now()
    store(page_view("a", ts=now - dt.timedelta(days=5)), page_view("b", ts=now))
    summaries.refresh_dirty_days()
    answer = browser(alice).get("/console/c/summit/", {"range": "28"})
    assert answer.context["tiles"]["visitors"]["now"] == 1
    Conference.objects.update(events_deleted_before=(now - dt.timedelta(days=2)).date())
    answer = browser(alice).get(
        "/console/c/summit/", {"range": "28", "filter": "page:is:/", "figure": "views"}
    )
    tiles = answer.context["tiles"]
    assert (tiles["visitors"]["now"], tiles["views"]["now"]) == (None, 2)
    assert sum(item["value"] for item in answer.context["chart"]["items"]) == 2
    assert "are deleted" in answer.content.decode()
    assert browser(alice).get("/console/c/summit/panels/pages/").status_code == 410
    assert browser(alice).get("/console/c/summit/figures/views/").status_code == 410
