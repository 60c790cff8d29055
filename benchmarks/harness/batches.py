"""Events as clients send them, made beforehand so that making them is no part of what is measured."""

import os
import time
from collections.abc import Iterator

CONFERENCES = [f"bench-{number:02d}" for number in range(20)]
_PAGES = ["/", "/agenda", "/speakers", "/tickets", "/venue", "/talks/opening", "/talks/closing", "/sponsors"]
_EVENTS_PER_VISITOR = 10
_EVENTS_PER_MS = 50  # of the ids' own clock: ids of one run follow each other as at 50,000 events/s

_VIEW = (
    b'{"type":"page_view","event_id":"%b","conference_id":"%b","visitor_id":"%b","session_id":"%b","ts":%d,'
    b'"page":"%b","url":"https://meeteasy.example/conf/%b%b","referrer":"https://search.example/",'
    b'"title":"Conference programme"}'
)


def make_events(count: int, *, ids: str = "ordered") -> Iterator[bytes]:
    """`count` page views as JSON, each of a random visitor of some conference, all within the last minute.

    ids: "ordered" (UUIDv7, as the SDK makes them) or "random" (UUIDv4). Different at each call.
    One event in eight carries UTM parameters in its address.
    """
    visitors = [os.urandom(16).hex().encode() for _ in range(max(1, count // _EVENTS_PER_VISITOR))]
    conferences = [name.encode() for name in CONFERENCES]
    pages = [page.encode() for page in _PAGES]
    first_ms = int(time.time() * 1000) - count // _EVENTS_PER_MS - 1000
    choices = os.urandom(count * 4) if count < 2_000_000 else None
    for number in range(count):
        noise = choices[number * 4 : number * 4 + 4] if choices else os.urandom(4)
        pick = int.from_bytes(noise, "little")
        ms = first_ms + number // _EVENTS_PER_MS
        conference = conferences[pick % 20]
        visitor = visitors[(pick // 20) % len(visitors)]
        yield _VIEW % (
            make_id(ms, ids=ids),
            conference,
            visitor,
            visitor[16:],
            ms,
            pages[pick % 8],
            conference,
            b"?utm_source=newsletter&utm_medium=mail" if number % 8 == 0 else b"",
        )


def make_id(ms: int, *, ids: str) -> bytes:
    """A UUID as text: of version 7 for the instant `ms`, or of version 4."""
    noise = os.urandom(15).hex()
    if ids == "random":
        return f"{noise[:8]}-{noise[8:12]}-4{noise[12:15]}-9{noise[15:18]}-{noise[18:30]}".encode()
    stamp = f"{ms:012x}"
    return f"{stamp[:8]}-{stamp[8:]}-7{noise[12:15]}-9{noise[15:18]}-{noise[18:30]}".encode()


def make_bodies(count: int, *, batch: int, ids: str = "ordered") -> Iterator[bytes]:
    """Bodies of `POST /api/analytics/events` with `batch` events each, `count` events in all."""
    part: list[bytes] = []
    for event in make_events(count, ids=ids):
        part.append(event)
        if len(part) == batch:
            yield b'{"events":[' + b",".join(part) + b"]}"
            part = []
    if part:
        yield b'{"events":[' + b",".join(part) + b"]}"
