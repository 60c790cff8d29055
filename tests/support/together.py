"""Calls in several threads at the same moment."""

import threading
from collections.abc import Callable
from typing import Any

from django.db import connection, connections
from django.db.models import Model, QuerySet

from meeteasy.core import jobs


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


def make_naive_claim(model: type[Model], *, workers: int) -> Callable[..., str | None]:
    """For the control of a race: a `claim` that looks first and then writes, when all `workers` have looked.

    The real one is a conditional update (meeteasy/core/jobs.py).
    """
    everybody_looked = threading.Barrier(workers)

    def claim(
        rows: QuerySet[Any], *, pk: Any, lease_seconds: float, now: Any = None, **changes: Any
    ) -> str | None:
        is_free = rows.filter(pk=pk).exists()
        connection.close()
        everybody_looked.wait(30)
        if not is_free:
            return None
        return jobs.claim(model._default_manager.all(), pk=pk, lease_seconds=lease_seconds, **changes)

    return claim
