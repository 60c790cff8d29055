"""The one seam between the databases: "insert these and say which were known", and "count this day".

The database behind `Event` decides the implementation. Inserting has a bulk statement for each, because the
ORM's object building costs more than the insert itself (docs/adr/0002); counting has one only where the
database's own way is slow. Everything else reads and writes through the ORM.
"""

import datetime as dt
from collections.abc import Collection, Iterator, Sequence
from functools import lru_cache
from importlib import import_module
from types import ModuleType
from typing import Any

from django.db import DatabaseError, DataError, IntegrityError, InterfaceError, connections, router

from analytics.events.rows import EventRow
from analytics.models import Event
from analytics.store._attendance import find_events_of, find_registrations_by
from analytics.store._counting import DayCount, count_views
from analytics.store.errors import RowsRefusedError, StoreUnavailableError
from analytics.store.outages import is_of_database, may_pass
from conferences.models import Conference

_IMPLEMENTATIONS = {"sqlite": "sqlite", "postgresql": "postgresql", "mongodb": "mongodb"}


def insert_new(rows: Sequence[EventRow]) -> set[str]:
    """Insert those rows whose key is not stored yet. Returns the keys of the others, usually none.

    The keys within `rows` must differ. Either all new rows are stored when it returns, or, after an
    exception, any part of them may be: calling it again with the same rows is always right.

    Raises StoreUnavailableError or RowsRefusedError.
    """
    if not rows:
        return set()
    alias = router.db_for_write(Event)
    implementation = _implementation(connections[alias].vendor)
    try:
        known: set[str] = implementation.insert_new(rows, using=alias)
    except (DataError, IntegrityError, ValueError, OverflowError, RecursionError) as error:
        raise RowsRefusedError(f"{type(error).__name__}: {error}") from error
    except (DatabaseError, InterfaceError) as error:
        # Other errors, too: a read-only standby, a damaged file, a table that is not migrated yet.
        connections[alias].close_if_unusable_or_obsolete()
        raise StoreUnavailableError(f"{type(error).__name__}: {error}") from error
    return known


def count_day(conference_id: str, date: dt.date) -> dict[str, DayCount]:
    """Counts of a conference's local day by event type, without bots. Types without events have no entry."""
    alias = router.db_for_read(Event)
    counts: dict[str, DayCount] = _implementation(connections[alias].vendor).count_day(
        conference_id, date, using=alias
    )
    return counts


def find_viewers(conference_id: str, date: dt.date) -> Collection[str]:
    """The visitors of the page views of a conference's local day, each once, without bots."""
    alias = router.db_for_read(Event)
    viewers: Collection[str] = _implementation(connections[alias].vendor).find_viewers(
        conference_id, date, using=alias
    )
    return viewers


def read_day(conference_id: str, date: dt.date) -> Iterator[tuple[Any, ...]]:
    """(key, type, UTC milliseconds, visitor, subject, data, context) of a local day's events, in no order.

    Without bots and held reports. data, context: JSON objects as text or decoded, or None.
    """
    alias = router.db_for_read(Event)
    rows: Iterator[tuple[Any, ...]] = _implementation(connections[alias].vendor).read_day(
        conference_id, date, using=alias
    )
    return rows


def count_present(
    conference_ids: Collection[str], dates: Collection[dt.date], *, since: dt.datetime, until: dt.datetime
) -> dict[str, int]:
    """Distinct visitors of each conference with an event from `since` to `until`, without bots.

    dates: the local days of that time, of all the conferences. Those without visitors may have no entry.
    """
    if not conference_ids:
        return {}
    alias = router.db_for_read(Event)
    counts: dict[str, int] = _implementation(connections[alias].vendor).count_present(
        conference_ids, dates, since=since, until=until, using=alias
    )
    return counts


def takes_writes() -> bool:
    """Whether the databases take a write now: one of no rows, which needs all that a real one needs."""
    try:
        Event.objects.filter(id="").update(type="")
        Conference.objects.filter(id="").update(name="")
    except Exception as error:
        if not is_of_database(error):
            raise
        for alias in (router.db_for_write(Event), router.db_for_write(Conference)):
            connections[alias].close_if_unusable_or_obsolete()
        return False
    return True


def is_outage(error: Exception) -> bool:
    """Whether `error` means that a database is away or busy, and nothing is wrong with what was written.

    The class of a database error does not tell: to SQLite an unknown column is an OperationalError, too, and
    on MongoDB a lost connection is a plain DatabaseError. So the databases are asked to take a write, except
    where the error itself says that it may pass, such as a lock.
    """
    return is_of_database(error) and (may_pass(error) or not takes_writes())


@lru_cache(maxsize=8)
def _implementation(vendor: str) -> ModuleType:
    return import_module(f"{__name__}.{_IMPLEMENTATIONS[vendor]}")


__all__ = [
    "DayCount",
    "RowsRefusedError",
    "StoreUnavailableError",
    "count_day",
    "count_present",
    "count_views",
    "find_events_of",
    "find_registrations_by",
    "find_viewers",
    "insert_new",
    "is_outage",
    "read_day",
    "takes_writes",
]
