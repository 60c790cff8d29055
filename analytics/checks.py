"""System checks of this app, at every start."""

from typing import Any

from django.conf import settings
from django.core.checks import Error, register

from analytics.stream.drain import ALONE_SECONDS, MAX_SECONDS
from meeteasy.core.queues import WORKER_OPTIONS, Queue


@register
def check_that_a_drain_outlives_a_stall(**kwargs: Any) -> list[Error]:
    """A database that stalls must fail a drain before its task is killed: a killed task counts against its
    entries, and after a few of those they would be dead letters."""
    limit = WORKER_OPTIONS[Queue.ANALYTICS_EVENTS].time_limit_seconds
    errors = []
    for alias in sorted({"default", settings.ANALYTICS_DATABASE}):
        seconds = MAX_SECONDS + ALONE_SECONDS + seconds_to_fail(settings.DATABASES[alias])
        if seconds >= limit:
            errors.append(
                Error(
                    f"A stall of the database {alias!r} takes a drain {seconds:.0f} s to notice; its task is "
                    f"killed after {limit} s.",
                    hint="Give its connection shorter time-outs.",
                    id="analytics.E001",
                )
            )
    return errors


def seconds_to_fail(database: dict[str, Any]) -> float:
    """How long a statement and the probe after it (analytics/store) wait for a database that stalls."""
    options = database.get("OPTIONS", {})
    engine = database["ENGINE"]
    if "mongodb" in engine:
        return 2 * float(options["timeoutMS"]) / 1000
    if "postgresql" in engine:
        return float(options["connect_timeout"]) + 2 * float(options["tcp_user_timeout"]) / 1000
    return float(options.get("timeout", 5))  # a lock, after which there is no probe
