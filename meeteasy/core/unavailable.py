"""The check for errors of an unreachable or locked database, after which the client may retry."""

import sqlite3
import sys

from django.db import InterfaceError, OperationalError
from django.utils.translation import gettext_noop

RETRY_AFTER_SECONDS = 2
MESSAGE = gettext_noop(
    "The database does not answer at the moment. What was to be written may have been: send the request "
    "again with the same ids or Idempotency-Key."
)
REDIS_MESSAGE = gettext_noop("Redis does not answer at the moment. Try again.")


def is_database_away(error: BaseException | None) -> bool:
    """Whether the error is a lost or refused connection, a lock not released in time, or a full disk."""
    if error is None:
        return False
    cause = error.__cause__
    if isinstance(error, OperationalError | InterfaceError):
        # SQLite's general code means a mistake of ours, such as a column that does not exist.
        return not isinstance(cause, sqlite3.Error) or cause.sqlite_errorname != "SQLITE_ERROR"
    # Where MongoDB is in use, its driver is loaded. Importing it takes as long as half of Django.
    of_mongodb = sys.modules.get("pymongo.errors")
    if of_mongodb is not None and isinstance(error, of_mongodb.ConnectionFailure):
        return True
    return is_database_away(cause)
