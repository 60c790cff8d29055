"""What counting may take of a process: two ranges at once, on some threads."""

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import lru_cache
from typing import TypeVar

from django.conf import settings

_AT_ONCE = 2
_turns = threading.BoundedSemaphore(_AT_ONCE)

_Item = TypeVar("_Item")
_Found = TypeVar("_Found")


@contextmanager
def take_turn() -> Iterator[None]:
    """Wait while others count."""
    with _turns:
        yield


def spread(work: Callable[[_Item], _Found], items: Iterable[_Item]) -> list[_Found]:
    """Do the same to all items, on threads: NumPy works without the lock of Python."""
    return list(_threads(os.getpid()).map(work, items))


@lru_cache(maxsize=1)
def _threads(pid: int) -> ThreadPoolExecutor:
    """pid: a fork has none of its parent's threads."""
    return ThreadPoolExecutor(settings.RANGES_THREADS, thread_name_prefix="ranges")
