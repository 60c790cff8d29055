"""Telling an outage of the databases from an error that something in the data causes."""

import sqlite3
import sys

from django.db import DatabaseError, InterfaceError, OperationalError

from analytics.store.errors import StoreUnavailableError

_SQLITE_LOCKED = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_POSTGRESQL_LOCKED = {"55P03", "40P01", "40001"}  # lock not available, deadlock, serialization failure


def is_of_database(error: Exception) -> bool:
    """Whether a database raised this: through Django, or MongoDB's driver between two parts of an answer,
    where the backend translates nothing."""
    of_django = StoreUnavailableError, DatabaseError, InterfaceError
    return isinstance(error, (*of_django, *_pymongo_errors("PyMongoError")))


def may_pass(error: Exception) -> bool:
    """Whether the error itself says that the database was away or busy, even if it no longer is.

    SQLite or PostgreSQL gave up because of another's lock, or MongoDB lost a connection or a cursor. Only
    classes and codes tell: a message may quote what a client sent.
    """
    chain = [error, error.__cause__, getattr(error.__cause__, "__cause__", None)]
    if any(_is_lost_connection(link) for link in chain):
        return True
    cause = error.__cause__ if isinstance(error, StoreUnavailableError) else error
    if not isinstance(cause, OperationalError):
        return False
    driver = cause.__cause__
    sqlite_code = getattr(driver, "sqlite_errorcode", None)
    if sqlite_code is not None:
        return sqlite_code & 0xFF in _SQLITE_LOCKED  # the upper bits give the reason
    return getattr(driver, "sqlstate", None) in _POSTGRESQL_LOCKED


def _is_lost_connection(error: BaseException | None) -> bool:
    """A time-out is none: a statement that is too slow each time would wait for ever."""
    lost = _pymongo_errors("ConnectionFailure", "CursorNotFound")
    return isinstance(error, lost) and not isinstance(error, _pymongo_errors("NetworkTimeout"))


def _pymongo_errors(*names: str) -> tuple[type[Exception], ...]:
    """The classes, if the driver is in use."""
    errors = sys.modules.get("pymongo.errors")
    return () if errors is None else tuple(getattr(errors, name) for name in names)
