"""Structured logs: one line per occurrence, `key=value` for people or JSON for collectors (`LOG_FORMAT`).

>>> log = get_logger(__name__)
>>> log.info("events_stored", stored=480, duplicate=20)
"""

import logging
import math
import re
import time
from typing import Any

import structlog

# The signed part of a participant's own address (conferences/participants.py).
_SECRET_PATH = re.compile(r"(/me/)[^\s/?\"']+")


def _hide_secrets(logger: Any, name: str, event: Any) -> Any:
    """Take the tokens out of addresses, e.g. in Django's warnings about requests."""
    for key in ("event", "path"):
        if isinstance(text := event.get(key), str) and "/me/" in text:
            event[key] = _SECRET_PATH.sub(r"\1…", text)
    return event


_SHARED: list[Any] = [
    _hide_secrets,
    structlog.contextvars.merge_contextvars,  # the request's id (meeteasy/core/request_ids.py)
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)  # noqa: TID251
    return logger


class Tally:
    """Counts that are logged at most once in LOG_TALLY_SECONDS. Under load a line per batch would cost more
    than the batch and be of no use. A quiet system logs each batch by itself.

    >>> tally = Tally(log, "events_stored")
    >>> tally.add(stored=480, duplicate=20)   # logs, unless it logged within the last second
    >>> tally.flush()                         # logs the rest; call it at a pause
    """

    def __init__(
        self, logger: structlog.stdlib.BoundLogger, event: str, *, seconds: float | None = None
    ) -> None:
        from django.conf import settings

        self._logger = logger
        self._event = event
        self._seconds = settings.LOG_TALLY_SECONDS if seconds is None else seconds
        self._counts: dict[str, int] = {}
        self._logged_at = -self._seconds

    def add(self, **counts: int) -> None:
        for name, count in counts.items():
            self._counts[name] = self._counts.get(name, 0) + count
        if time.monotonic() - self._logged_at >= self._seconds:
            self.flush()

    def flush(self) -> None:
        if self._counts:
            self._logged_at = time.monotonic()
            self._logger.info(self._event, **self._counts)
            self._counts = {}


class SparseSecurity(logging.Filter):
    """Lets through one line of a kind in ten seconds, of those that any request can cause: `django.security`,
    as for a wrong Host header. It is cut, has no traceback, and says how many were left out before it."""

    _SECONDS = 10
    _LONGEST = 200

    def __init__(self) -> None:
        super().__init__()
        self._last: dict[str, tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if not record.name.startswith("django.security"):
            return True
        now = time.monotonic()
        logged_at, left_out = self._last.get(record.name, (-math.inf, 0))
        if now - logged_at < self._SECONDS:
            self._last[record.name] = (logged_at, left_out + 1)
            return False
        self._last[record.name] = (now, 0)
        text = record.getMessage()[: self._LONGEST]
        record.msg, record.args = f"{text} ({left_out} more left out)" if left_out else text, ()
        record.exc_info = record.exc_text = None
        return True


def make_formatter() -> logging.Formatter:
    """Make the formatter for settings.LOGGING. Standard-library records go through the same chain."""
    from django.conf import settings

    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_SHARED,
            structlog.processors.StackInfoRenderer(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    as_json = getattr(settings, "LOG_FORMAT", "text") == "json"
    renderer: Any = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if as_json
        else structlog.processors.KeyValueRenderer(
            key_order=["timestamp", "level", "logger", "event"], drop_missing=True, repr_native_str=False
        )
    )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_SHARED,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            renderer,
        ],
    )
