"""Calls in several threads at the same moment."""

import threading
from collections.abc import Callable
from typing import Any

from django.db import connections


def run_together(work: Callable[[], Any], *, threads: int) -> list[Any]:
    """Call `work` in each of some threads at the same moment; returns what the calls returned."""
    barrier = threading.Barrier(threads)
    results: list[Any] = []

    def run() -> None:
        barrier.wait(30)
        try:
            results.append(work())
        finally:
            connections.close_all()

    running = [threading.Thread(target=run) for _ in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join(60)
    return results
