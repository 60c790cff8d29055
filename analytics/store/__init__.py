"""The one seam between the databases: "insert these, and tell me which were new".

`insert_new` picks the implementation by the database behind `Event`: a bulk statement of its own for each,
because the ORM's object building costs more than the insert itself (docs/adr/0002). Everything else reads
and writes through the ORM.
"""

from collections.abc import Sequence
from functools import lru_cache
from importlib import import_module
from types import ModuleType

from django.db import DatabaseError, InterfaceError, OperationalError, connections, router

from analytics.models import Event
from analytics.rows import EventRow

_IMPLEMENTATIONS = {"sqlite": "sqlite", "postgresql": "postgresql", "mongodb": "mongodb"}


class StoreUnavailableError(Exception):
    """The database cannot be reached, or is too busy: nothing is wrong with the rows; try again later."""


class RowsRefusedError(Exception):
    """The database refuses at least one of the rows."""


def insert_new(rows: Sequence[EventRow]) -> set[str]:
    """Insert those rows whose `event_id` is not stored yet. Returns the ids of those that were new.

    The ids within `rows` must differ. Either all new rows are stored when it returns, or, after an
    exception, any part of them may be: calling it again with the same rows is always right.

    Raises StoreUnavailableError or RowsRefusedError.
    """
    if not rows:
        return set()
    alias = router.db_for_write(Event)
    implementation = _implementation(connections[alias].vendor)
    try:
        new: set[str] = implementation.insert_new(rows, using=alias)
    except (OperationalError, InterfaceError) as error:
        connections[alias].close_if_unusable_or_obsolete()
        raise StoreUnavailableError(str(error)) from error
    except (DatabaseError, ValueError, OverflowError) as error:
        raise RowsRefusedError(f"{type(error).__name__}: {error}") from error
    return new


@lru_cache(maxsize=8)
def _implementation(vendor: str) -> ModuleType:
    return import_module(f"{__name__}.{_IMPLEMENTATIONS[vendor]}")
