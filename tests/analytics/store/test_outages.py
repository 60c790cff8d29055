"""Which database errors mean that it was away, and which are the fault of the data."""

import sys
from collections.abc import Iterator

import pymongo.errors
import pytest
from django.db import DatabaseError, OperationalError

from analytics import store
from analytics.days import figures
from analytics.days.figures import figures_from
from analytics.days.summaries import close_ended_days, refresh_dirty_days
from analytics.models import DirtyDay
from analytics.store import StoreUnavailableError
from conferences.models import Conference
from tests.analytics.builders import page_view
from tests.analytics.builders import store as store_events

pytestmark = pytest.mark.django_db


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


LOST = pymongo.errors.AutoReconnect("connection closed")


@pytest.mark.parametrize(
    "error",
    [
        LOST,  # nothing translates it while a cursor's next part is fetched
        pymongo.errors.CursorNotFound("cursor id 7 not found"),
        pymongo.errors.NotPrimaryError("not primary"),
        caused(DatabaseError("connection closed"), LOST),
        caused(StoreUnavailableError("in other words"), caused(OperationalError("closed"), LOST)),
    ],
    ids=["lost in getMore", "cursor gone", "fail-over", "translated", "while storing"],
)
def test_a_connection_lost_to_mongodb_is_an_outage(error: Exception) -> None:
    assert store.is_outage(error)


@pytest.mark.parametrize(
    "error",
    [
        pymongo.errors.OperationFailure("unknown operator: $x"),
        pymongo.errors.NetworkTimeout("timed out"),  # the server answers now: the statement was too slow
        DatabaseError("no such column"),
        ValueError("x"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_while_the_database_answers_is_no_outage(error: Exception) -> None:
    assert not store.is_outage(error)


@pytest.fixture
def failing_figures() -> Iterator[list[Exception]]:
    """A list whose errors are raised while a day is computed."""
    errors: list[Exception] = []
    before = list(figures._providers)

    @figures_from("failing")
    def fail(conference_id: str, date: object) -> dict[str, int]:
        if errors:
            raise errors[0]
        return {"failing": 0}

    yield errors
    figures._providers[:] = before


def test_days_wait_for_a_database_that_is_away(
    conference: Conference, failing_figures: list[Exception], caplog: pytest.LogCaptureFixture
) -> None:
    store_events(page_view("a"))
    failing_figures.append(caused(DatabaseError("connection closed"), LOST))
    with caplog.at_level("WARNING"):
        assert refresh_dirty_days() == 0
    assert DirtyDay.objects.exists()
    assert "days_wait" in caplog.text
    assert "day_failed" not in caplog.text, "no day is to blame"

    failing_figures.clear()
    assert refresh_dirty_days() == 1
    failing_figures.append(caused(DatabaseError("connection closed"), LOST))
    assert close_ended_days() == 0
    assert "day_failed" not in caplog.text


def test_the_driver_is_asked_only_where_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "pymongo.errors")
    assert not store.is_outage(LOST)
