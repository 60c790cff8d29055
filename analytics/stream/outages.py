"""Telling an outage from an entry's own fault: the infrastructure failed, or something in the entry did."""

import redis
from kombu.exceptions import OperationalError as BrokerError

from analytics import store

REDIS_AWAY = (
    redis.ConnectionError,
    redis.TimeoutError,
    redis.exceptions.OutOfMemoryError,
    redis.exceptions.ReadOnlyError,
    BrokerError,
)


class OutageError(Exception):
    """Nothing is wrong with the entries: requeue them and end the run."""


def raise_if_outage(error: Exception) -> None:
    """Raise OutageError if the infrastructure caused `error`."""
    if isinstance(error, OutageError):
        raise error
    if isinstance(error, REDIS_AWAY) or store.is_outage(error):
        raise OutageError(str(error)) from error
