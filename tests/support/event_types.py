"""Event types that exist for one test only."""

from collections.abc import Iterator
from contextlib import contextmanager

from analytics.event_types import EVENT_TYPES, EventType, register
from analytics.events import batch, validation
from analytics.stream import entry


@contextmanager
def registered(event_type: type[EventType]) -> Iterator[None]:
    """The catalogue has `event_type` within. What is derived from the catalogue once in a process, which a
    running system never sees change, is derived again."""
    register(event_type)
    _forget_derived()
    try:
        yield
    finally:
        del EVENT_TYPES._members[event_type.__struct_config__.tag]  # type: ignore[arg-type]
        _forget_derived()


def _forget_derived() -> None:
    for cached in (
        validation._strict_decoder,
        batch.carried_types,
        entry._batches_decoder,
        entry._event_decoder,
    ):
        cached.cache_clear()
