"""Dead letters: what the stream could not get rid of, kept whole, and how it is tried again."""

import datetime as dt
import hashlib
import traceback

import msgspec
from django.conf import settings
from django.utils import timezone

from analytics.events.rows import EventRow
from analytics.models import DeadLetter
from analytics.stream import queue
from analytics.stream.entry import count_events, encode_rows
from analytics.stream.queue import Entry
from meeteasy.core.logs import get_logger

log = get_logger(__name__)

_MAX_ID_BYTES = 64  # 96 with the entry's


def add_entry(entry: Entry, *, error: Exception) -> None:
    """Keep an entry, or what is left of one. Call it before the entry leaves the stream; twice keeps one."""
    _add(entry.id.decode(), entry, entry.fields, count_events(entry.fields), error)


def add_row(entry: Entry, row: EventRow, *, error: Exception) -> None:
    """Keep the one row of an entry that the store refused."""
    # Escaped, because a NUL in the event's id may be the very thing that the store refuses.
    event_id = row.event_id.encode("unicode_escape")
    if len(event_id) > _MAX_ID_BYTES:  # cut, it might be another row's
        event_id = hashlib.blake2b(event_id, digest_size=16).hexdigest().encode()
    _add(f"{entry.id.decode()}:{event_id.decode()}", entry, encode_rows([row]), 1, error)


def _add(
    key: str, entry: Entry, fields: dict[bytes, bytes], event_count: int | None, error: Exception
) -> None:
    DeadLetter.objects.get_or_create(
        id=key,
        defaults={
            "entry_id": entry.id.decode(),
            "version": _clean(fields.get(b"v", b"").decode("utf-8", "replace"))[:16],
            "payload": msgspec.msgpack.encode(fields),
            "event_count": event_count,
            "error": _clean("".join(traceback.format_exception(error)))[-10_000:],
            "deliveries": entry.deliveries,
            "created_at": timezone.now(),
        },
    )
    log.error("dead_letter", id=key, deliveries=entry.deliveries, error=repr(error)[:500])


def replay(letter: DeadLetter) -> None:
    """Put a dead letter back into the stream, then note it. Twice is harmless: events are stored once.

    If it fails again, it becomes a dead letter of its own.
    """
    queue.append(msgspec.msgpack.decode(bytes(letter.payload), type=dict[bytes, bytes]))
    letter.replayed_at = timezone.now()
    letter.save(update_fields=["replayed_at"])


def drop_replayed(*, now: dt.datetime | None = None) -> int:
    """Delete letters that were replayed DEAD_LETTER_KEEP_DAYS ago. Those that wait stay. Returns how many."""
    before = (now or timezone.now()) - dt.timedelta(days=settings.DEAD_LETTER_KEEP_DAYS)
    dropped, _ = DeadLetter.objects.filter(replayed_at__lt=before).delete()
    if dropped:
        log.info("dead_letters_dropped", letters=dropped)
    return dropped


def _clean(text: str) -> str:
    """Text that every database takes: no NUL, no lone surrogates."""
    return text.replace("\0", "\\0").encode("utf-8", "backslashreplace").decode()
