"""The queries that the application sends to MongoDB while tests run, recorded by pymongo's monitoring.

`MONGODB_QUERIES` names a file; each process of the tests adds a line for each distinct query when it sees it.
tests/analytics/store/test_plans.py explains them. Queries of the tests themselves are left out.
"""

import fcntl
import sys
from pathlib import Path
from typing import Any

from bson import json_util
from pymongo import monitoring

from tests.support.forks import ROOT

# What reads by a filter. An insert has none.
_COMMANDS = frozenset({"find", "aggregate", "count", "distinct", "update", "delete", "findAndModify"})
# Of a command, what decides about its plan.
_PARTS = ("filter", "query", "pipeline", "sort", "limit", "skip", "key", "updates", "deletes", "hint")


class Recorder(monitoring.CommandListener):
    """Writes one example of each distinct query to `path`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: set[str] = set()

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        if event.command_name not in _COMMANDS:
            return
        sender = _find_sender()
        if sender is None:
            return
        collection = event.command[event.command_name]
        parts = {name: event.command[name] for name in _PARTS if name in event.command}
        shape = json_util.dumps([event.command_name, collection, _generalize(parts)], sort_keys=True)
        if shape not in self._seen:
            self._seen.add(shape)
            self._write(
                shape=shape, command=event.command_name, collection=collection, sender=sender, **parts
            )

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        pass

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        pass

    def _write(self, **example: Any) -> None:
        """At once: a worker that takes long to end is killed."""
        with self._path.open("a", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.write(json_util.dumps(example) + "\n")


def record_into(path: Path) -> None:
    """Record from now on, until this process ends. Must come before the first connection."""
    monitoring.register(Recorder(path))


def read_recorded(path: Path) -> list[dict[str, Any]]:
    """The distinct queries that all processes recorded."""
    lines = map(json_util.loads, path.read_text(encoding="utf-8").splitlines())
    return list({line["shape"]: line for line in lines}.values())


def _find_sender() -> str | None:
    """The innermost line of ours that led to a query: `analytics/days/dirty.py:40 read_marks`. None if that
    is a test's, or there is none."""
    frame = sys._getframe(2)
    while frame is not None:
        path = frame.f_code.co_filename
        if path.startswith(f"{ROOT}/") and "/.venv/" not in path:
            place = path.removeprefix(f"{ROOT}/")
            is_ours = not place.startswith("tests/") and "/migrations/" not in place
            return f"{place}:{frame.f_lineno} {frame.f_code.co_name}" if is_ours else None
        frame = frame.f_back
    return None


def _generalize(value: Any, key: str = "") -> Any:
    """The same with `?` for what differs from call to call. Types and flags stay, as partial indexes ask for
    them."""
    if isinstance(value, dict):
        return {name: _generalize(part, name) for name, part in value.items()}
    if isinstance(value, list):
        parts = [_generalize(part, key) for part in value]
        has_structure = any(isinstance(part, dict | list) or str(part)[:1] == "$" for part in parts)
        return parts if has_structure else "[?]"
    if isinstance(value, bool) or value is None or key == "type":
        return value
    return value if isinstance(value, str) and value.startswith("$") else "?"
