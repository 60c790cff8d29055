"""`@on_event`: how other parts react to stored events.

    @on_event("share", "share_open")
    def grow_tree(events: Sequence[EventRow]) -> None: ...

A handler is called after the events are committed, with all events of its types in one delivery, in the
order in which they arrived. It must be idempotent: after a crash the delivery is repeated, with old and new
events alike ("insert, then react only if it was new" loses the reaction when the worker dies in between).
After an exception the entries are delivered again, and after a few times they become dead letters.

An app has its handlers in `event_handlers.py`, which is imported at start-up.
"""

from collections.abc import Callable, Sequence

from django.utils.module_loading import autodiscover_modules

from analytics.events.rows import EventRow

Handler = Callable[[Sequence[EventRow]], None]

_handlers: list[tuple[frozenset[str], Handler]] = []


def on_event(*types: str) -> Callable[[Handler], Handler]:
    """Register a function for these event types; `on_event()` without types is for all of them."""

    def register(handler: Handler) -> Handler:
        _handlers.append((frozenset(types), handler))
        return handler

    return register


def discover_handlers() -> None:
    """Import every app's event_handlers.py."""
    autodiscover_modules("event_handlers")


def react(events: Sequence[EventRow]) -> None:
    """Run every handler on its part of `events`, which are stored and have their local dates."""
    by_type: dict[str, list[EventRow]] = {}
    for event in events:
        by_type.setdefault(event.type, []).append(event)
    for types, handler in _handlers:
        if not types:
            handler(events)
            continue
        present = types & by_type.keys()
        if len(present) == 1:
            handler(by_type[next(iter(present))])
        elif present:
            handler([event for event in events if event.type in present])
