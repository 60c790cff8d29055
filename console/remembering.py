"""Counts that many people look at: computed at most once a second, and slow ones less often."""

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

from django.core.cache import cache

_MIN_SECONDS = 1
# What takes long is computed less often: 5 % of a core at most, however many watch.
_SHARE_OF_A_CORE = 0.05

_T = TypeVar("_T")


def remember(key: str, compute: Callable[[], _T]) -> _T:
    """Return the result of `compute`, now or a short while ago. It is pickled; None is not remembered."""
    name = f"console:{key}"
    found: _T | None = _read(name)
    if found is None:
        started = time.monotonic()
        found = compute()
        seconds = max(_MIN_SECONDS, round((time.monotonic() - started) / _SHARE_OF_A_CORE))
        _write(name, found, seconds)
    return found


def _read(name: str) -> Any:
    with suppress(Exception):  # redis-py raises several kinds; without a cache the page is only slower
        return cache.get(name)
    return None


def _write(name: str, value: object, seconds: int) -> None:
    with suppress(Exception):
        cache.set(name, value, timeout=seconds)
