"""Whether an error says that a database is away or locked: the client may send the request again."""

import sqlite3

import pymongo.errors
from django.db import InterfaceError, OperationalError

RETRY_AFTER_SECONDS = 2
MESSAGE = "The database does not answer at the moment. Send the request again."


def is_database_away(error: BaseException | None) -> bool:
    """True for lost and refused connections, locks that were not released in time, and full disks."""
    if error is None:
        return False
    cause = error.__cause__
    if isinstance(error, OperationalError | InterfaceError):
        # SQLite's general code stands for mistakes of ours, such as a column that does not exist.
        return not isinstance(cause, sqlite3.Error) or cause.sqlite_errorname != "SQLITE_ERROR"
    return isinstance(error, pymongo.errors.ConnectionFailure) or is_database_away(cause)
