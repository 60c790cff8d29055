import os
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

MID_INSERT = "in the middle of an insert"
STORED = "after the insert, before any reaction"
REACTED = "after the reactions, before the entries are acknowledged"
COMPUTED = "after a day was computed, before its marks are cleared"
TREE_WRITTEN = "in the middle of a share tree's transaction, when its links are written"
DAYS_MARKED = "after the share tree was committed and its days were marked, before the outbox is emptied"
POINTS = (MID_INSERT, STORED, REACTED, COMPUTED)


def crash_file() -> Path:
    return Path(settings.DATA_DIR) / "crash-at"


def is_set(point: str) -> bool:
    try:
        return crash_file().read_text() == point
    except FileNotFoundError:
        return False


def crash_if_at(point: str) -> None:
    if is_set(point):
        crash_file().unlink()
        os.kill(os.getpid(), signal.SIGKILL)


class FirstConfig(AppConfig):
    name = "tests.support.crashing"
    label = "crashing_first"

    def ready(self) -> None:
        from analytics.events.rows import EventRow
        from analytics.reactions.handlers import on_event

        connection_created.connect(_watch, weak=False)

        @on_event()
        def crash_before_the_reactions(events: Sequence[EventRow]) -> None:
            crash_if_at(STORED)


class LastConfig(AppConfig):
    name = "tests.support.crashing.last"
    label = "crashing_last"

    def ready(self) -> None:
        from analytics.events.rows import EventRow
        from analytics.reactions.handlers import on_event

        @on_event()
        def crash_after_the_reactions(events: Sequence[EventRow]) -> None:
            crash_if_at(REACTED)


def _watch(sender: object, connection: BaseDatabaseWrapper, **kwargs: object) -> None:
    if _watch_statement not in connection.execute_wrappers:
        connection.execute_wrappers.append(_watch_statement)
    if connection.vendor == "sqlite":
        connection.connection.set_trace_callback(_SQLiteInserts())


class _SQLiteInserts:
    """Events are inserted past Django's cursor, a hundred with each statement (meeteasy/core/sqlite.py). Dies
    when the second one begins, or else the commit: some rows are written, and the transaction is open."""

    def __init__(self) -> None:
        self._inserts = 0

    def __call__(self, sql: str) -> None:
        if sql.startswith("INSERT OR FAIL INTO analytics_event "):
            self._inserts += 1
            if self._inserts == 2:
                crash_if_at(MID_INSERT)
        elif self._inserts:
            if sql.startswith("COMMIT"):
                crash_if_at(MID_INSERT)
            self._inserts = 0


def _watch_statement(
    execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]
) -> Any:
    if sql.startswith("INSERT INTO analytics_event "):  # PostgreSQL; all rows, but the transaction is open
        if is_set(MID_INSERT):
            execute(sql, params, many, context)
            crash_if_at(MID_INSERT)
    elif sql.startswith("DELETE") and "analytics_dirtyday" in sql:
        crash_if_at(COMPUTED)
    elif sql.startswith("UPDATE sharing_sharelink "):
        crash_if_at(TREE_WRITTEN)
    elif sql.startswith("DELETE") and "sharing_dirtydayoutbox" in sql:
        crash_if_at(DAYS_MARKED)
    return execute(sql, params, many, context)
