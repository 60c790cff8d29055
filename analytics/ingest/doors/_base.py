"""What all doors share."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeVar

import msgspec
from django.conf import settings

from analytics.events.problems import EventError, Notice, Rejection
from analytics.ingest.answers import CORS, Answer
from analytics.ingest.requests import Request
from analytics.ingest.senders import ANYBODY, Sender, Senders
from meeteasy.core.registry import Registry

DOORS: Registry["Door"] = Registry("analytics.ingest.doors")

# In place of an event: what a protocol sends besides events, such as the names of a site's users.
IGNORED = EventError("ignored", "Nothing of this is stored.")
# Codes of what is no mistake of the sender: our figures have no use for it.
UNUSED = frozenset({"ignored", "unknown_name"})

_encode = msgspec.json.Encoder().encode


@dataclass
class Sent:
    """A request in our terms.

    events: each an event as at our own door, or an EventError that says why there is none.
    sent_at: the client's clock when it sent the request, as it was given.
    contexts: of the events, in their order: what a server says of the visitor it speaks for
        (analytics/ingest/contexts.py); without a secret key nobody looks at it.
    conference_id: of all events, where the protocol knows only one.
    """

    events: Sequence[Any]
    sent_at: Any = None
    sender: Sender = ANYBODY
    contexts: Sequence[Any] = ()
    conference_id: str = ""


@dataclass
class Taken:
    """What became of a request: how many events are in the stream, and what is to be said of the others.

    visitor_id: of the first event.
    """

    accepted: int
    rejected: list[Rejection] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    visitor_id: str = ""


@dataclass
class Refusal:
    """Why nothing was taken. code: one of the API's error codes."""

    status: int
    code: str
    message: str
    rejected: list[Rejection] = field(default_factory=list)
    retry_after: int | None = None


class Door:
    """A protocol. A registered subclass with `paths`, `translate`, `accept` and `refuse` is a door.

    Class attributes:
        paths: that it answers.
        media_types: content types that it reads; empty: any.
        max_body_bytes, max_events: of a request; None: as at our own door.
    """

    paths: ClassVar[Sequence[str]]
    media_types: ClassVar[frozenset[bytes]] = frozenset()
    max_body_bytes: ClassVar[int | None] = None
    max_events: ClassVar[int | None] = None

    @property
    def body_limit(self) -> int:
        return self.max_body_bytes or int(settings.INGEST_MAX_BODY_BYTES)

    @property
    def event_limit(self) -> int:
        return self.max_events or int(settings.INGEST_MAX_EVENTS)

    async def translate(self, payload: Any, request: Request, senders: Senders) -> Sent:
        """What the request says. payload: its body as JSON values, which may be anything.

        Raises BatchError for a body that is not as the protocol says, and RefusedError for its sender.
        """
        raise NotImplementedError

    def accept(self, taken: Taken) -> Answer:
        """The answer to a request of which something was taken, or of which nothing was to be taken."""
        raise NotImplementedError

    def refuse(self, refusal: Refusal) -> Answer:
        """The answer to a request of which nothing was taken."""
        raise NotImplementedError


_Door = TypeVar("_Door", bound=type[Door])


def register(door: _Door) -> _Door:
    """Class decorator that opens a door at its paths. A path that has one raises DuplicateMemberError."""
    opened = door()
    for path in door.paths:
        # Some clients add a slash, and hosts are given with one at their end; a redirect would lose the body.
        for spelling in (path, f"{path}/", f"/{path}", f"/{path}/"):
            DOORS.add(spelling, opened)
    return door


def json_answer(
    status: int, content: Any, *, retry_after: int | None = None, headers: Sequence[tuple[bytes, bytes]] = ()
) -> Answer:
    """An answer in JSON, or in plain text if `content` is one."""
    is_text = isinstance(content, str)
    body = content.encode() if is_text else _encode(content)
    sent = [
        (b"content-type", b"text/plain; charset=utf-8" if is_text else b"application/json"),
        (b"content-length", b"%d" % len(body)),
        *CORS,
        *headers,
    ]
    if retry_after is not None:
        sent.append((b"retry-after", b"%d" % retry_after))
    return status, sent, body
