"""Telling an outage from an entry's own fault: the infrastructure failed, or something in the entry did."""

import sqlite3

import redis
from django.db import DatabaseError, InterfaceError, OperationalError
from kombu.exceptions import OperationalError as BrokerError

from analytics import store
from analytics.store import StoreUnavailableError

REDIS_AWAY = (
    redis.ConnectionError,
    redis.TimeoutError,
    redis.exceptions.OutOfMemoryError,
    redis.exceptions.ReadOnlyError,
    BrokerError,
)
STORE_AWAY = (StoreUnavailableError, DatabaseError, InterfaceError)
_SQLITE_LOCKED = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_POSTGRESQL_LOCKED = {"55P03", "40P01", "40001"}  # lock not available, deadlock, serialization failure


class OutageError(Exception):
    """Nothing is wrong with the entries: requeue them and end the run."""


def raise_if_outage(error: Exception) -> None:
    """Raise OutageError if the infrastructure caused `error`.

    The class of a database error does not tell: to SQLite an unknown column is an OperationalError, too, and
    on MongoDB a lost connection is a plain DatabaseError. So the store is asked to take a write, except after
    a lock, which may be gone a moment later.
    """
    if isinstance(error, OutageError):
        raise error
    if isinstance(error, REDIS_AWAY):
        raise OutageError(str(error)) from error
    if isinstance(error, STORE_AWAY) and (_is_locked(error) or not store.takes_writes()):
        raise OutageError(str(error)) from error


def _is_locked(error: Exception) -> bool:
    """Whether SQLite or PostgreSQL gave up because of another's lock. Only their codes can tell: a message
    may quote what a client sent."""
    cause = error.__cause__ if isinstance(error, StoreUnavailableError) else error
    if not isinstance(cause, OperationalError):
        return False
    driver = cause.__cause__
    sqlite_code = getattr(driver, "sqlite_errorcode", None)
    if sqlite_code is not None:
        return sqlite_code & 0xFF in _SQLITE_LOCKED  # the upper bits give the reason
    return getattr(driver, "sqlstate", None) in _POSTGRESQL_LOCKED
