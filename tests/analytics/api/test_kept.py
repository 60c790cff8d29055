"""Answers of the API that are kept: never older than what is stored, and nobody else's."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from analytics.days.summaries import refresh_dirty_days
from analytics.selectors import summary as selectors
from conferences.models import Conference
from tests.analytics.builders import NOON, page_view, store

pytestmark = pytest.mark.django_db

PATH = "/api/analytics/summary"
Api = Callable[[User | None], APIClient]
ASKED = {"conference_id": "summit", "from": "2026-04-28", "to": "2026-05-01", "compare": "previous"}


@pytest.fixture
def counts(monkeypatch: pytest.MonkeyPatch) -> list[None]:
    """Has an item for each summary that was computed."""
    computed: list[None] = []
    real = selectors.get_summary

    def count(*args: Any, **kwargs: Any) -> Any:
        computed.append(None)
        return real(*args, **kwargs)

    monkeypatch.setattr("analytics.api.kept.get_summary", count)
    return computed


@pytest.fixture
def client(api: Api, conference: Conference, alice: User) -> APIClient:
    store(page_view("a"))
    refresh_dirty_days()
    client = api(alice)
    client.get(PATH, ASKED)  # makes the segments
    return client


def pv(client: APIClient, **parameters: Any) -> int:
    found: int = client.get(PATH, {**ASKED, **parameters}).json()["totals"]["pv"]
    return found


def test_an_answer_is_kept_until_something_changes(client: APIClient, counts: list[None]) -> None:
    assert [pv(client), pv(client)] == [1, 1]
    assert len(counts) == 1
    before = client.get(PATH, ASKED).json()
    after = client.get(PATH, ASKED).json()
    assert before.pop("as_of") < after.pop("as_of")
    assert before == after
    assert len(counts) == 1
    store(page_view("b"))
    assert pv(client) == 2  # though the day is only marked
    refresh_dirty_days()
    assert [pv(client), pv(client)] == [2, 2]
    store(page_view("c", ts=NOON - dt.timedelta(days=5)))
    assert client.get(PATH, ASKED).json()["compare"]["totals"]["pv"] == 1
    Conference.objects.filter(id="summit").update(time_zone="UTC")
    assert client.get(PATH, ASKED).json()["time_zone"] == "UTC"


def test_another_question_has_another_answer(client: APIClient, counts: list[None]) -> None:
    assert [pv(client), pv(client, filter="page:is:/none"), pv(client, to="2026-04-30")] == [1, 0, 0]
    assert client.get(PATH, {**ASKED, "panel": "pages"}).json()["panels"].keys() == {"pages"}
    assert len(client.get(PATH, {**ASKED, "limit": 1}).json()["panels"]) > 1
    assert len(counts) == 5


def test_who_has_the_answer_gets_none(client: APIClient, api: Api, charlie: User, counts: list[None]) -> None:
    client.get(PATH, ASKED)
    tag = client.get(PATH, ASKED)["ETag"]
    again = client.get(PATH, ASKED, HTTP_IF_NONE_MATCH=tag)
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", tag)
    assert api(charlie).get(PATH, ASKED, HTTP_IF_NONE_MATCH=tag).status_code == 404
    store(page_view("b"))
    changed = client.get(PATH, ASKED, HTTP_IF_NONE_MATCH=tag)
    assert changed.json()["totals"]["pv"] == 2
    assert not changed.has_header("ETag")  # until the day is summed up, anything may change
