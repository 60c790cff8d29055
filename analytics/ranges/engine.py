"""DuckDB in this process: one database in memory, with bounded memory and threads, for queries over files."""

import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING

from django.conf import settings

if TYPE_CHECKING:
    import duckdb

# Queries at once in one process; others wait. Each uses all threads.
_AT_ONCE = 2
_slots = threading.BoundedSemaphore(_AT_ONCE)


class QueryFailedError(Exception):
    """DuckDB could not answer: a file is missing or damaged, or its memory is not enough."""


@contextmanager
def open_cursor() -> Iterator["duckdb.DuckDBPyConnection"]:
    """A connection of its own to the process's database; what it creates as TEMP ends with it.

    Raises QueryFailedError for what fails within. DuckDB is loaded at its first use: most have none.
    """
    import duckdb

    with _slots:
        cursor = _database(os.getpid()).cursor()
        try:
            yield cursor
        except duckdb.Error as error:
            raise QueryFailedError(str(error)) from error
        finally:
            cursor.close()


@lru_cache(maxsize=1)
def _database(pid: int) -> "duckdb.DuckDBPyConnection":
    """pid: a fork must not use its parent's database."""
    import duckdb

    return duckdb.connect(
        ":memory:",
        config={
            "memory_limit": f"{settings.RANGES_MEMORY_MB}MB",
            "threads": settings.RANGES_THREADS,
            "temp_directory": os.path.join(tempfile.gettempdir(), f"meeteasy-ranges-{pid}"),
            "max_temp_directory_size": "4GB",
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "preserve_insertion_order": False,
        },
    )


def quote(text: str) -> str:
    """A text as an SQL literal: where DuckDB takes no parameters."""
    return "'" + text.replace("'", "''") + "'"
