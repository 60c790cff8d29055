"""Export stored events as lines of JSON that `import_events` reads, receipt and sender class included."""

import gzip
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from typing import IO, Any

from analytics.events.lines import write_line
from analytics.models import Event

_EVENTS_AT_ONCE = 2_000


def export_file(path: str, *, conference_id: str | None = None) -> int:
    """Write the events of a conference, or all, in the order of their keys; returns how many.

    path: `-` is standard output; a name that ends in `.gz` is packed. The file appears once it is complete,
    and only its owner may read it: it holds ids of visitors. Raises OSError.
    """
    if path == "-":
        return _write(sys.stdout.buffer, conference_id)
    part = f"{path}.part"
    with ExitStack() as stack:
        raw = stack.enter_context(
            os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")
        )
        stream: Any = raw
        if path.endswith(".gz"):
            stream = stack.enter_context(gzip.GzipFile(fileobj=raw, mode="wb"))
        written = _write(stream, conference_id)
    os.replace(part, path)
    return written


def _write(stream: IO[bytes], conference_id: str | None) -> int:
    written = 0
    for page in _pages(conference_id):
        stream.write(b"".join(write_line(event) + b"\n" for event in page))
        written += len(page)
    stream.flush()
    return written


def _pages(conference_id: str | None) -> Iterator[list[Event]]:
    events = Event.objects.order_by("pk")
    if conference_id is not None:
        events = events.filter(conference_id=conference_id)
    page = list(events[:_EVENTS_AT_ONCE])
    while page:
        yield page
        page = list(events.filter(pk__gt=page[-1].pk)[:_EVENTS_AT_ONCE])
