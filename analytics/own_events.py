"""Own events: the registrations and check-ins of our own database, as events.

The id of an own event is made of its row's (`own:reg:<id>`), so it may be sent any number of times. It is
sent after the row is committed, which a crash or an absent broker can prevent; so a sweep compares the rows
with the stored events and sends what is missing.
"""

import datetime as dt
import hashlib
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import redis
from django.db.models import Q, QuerySet
from django.utils import timezone

from analytics.event_types import OWN_PREFIX
from analytics.event_types.share import NONCE_LENGTH, prove_code
from analytics.events.clock import now_ms
from analytics.events.rows import EventRow
from analytics.events.validation import Client, make_row, parse_event
from analytics.models import Event, OwnEventSweep
from analytics.stream import queue
from analytics.stream.entry import MAX_EVENTS, encode_rows
from conferences.models import CheckIn, Passage, Registration
from meeteasy.core.logs import get_logger

log = get_logger(__name__)

# The events of younger rows may still be on their way.
GRACE = dt.timedelta(seconds=20)
# Rows get their time before they are committed, and servers' clocks differ. So a row may appear behind the
# ones that were already compared, by this much.
OVERLAP = dt.timedelta(minutes=10)
# The sweep moves on from an event that the store has refused for this long; somebody has to look at it.
GIVE_UP = dt.timedelta(days=7)
_ROWS_AT_ONCE = MAX_EVENTS
_MAX_SECONDS = 20.0
_MAX_NAME = 32  # of a registration, in the ids of events about its standing


def registration_row(registration: Registration) -> EventRow:
    return _make_row(
        "registration",
        f"reg:{registration.id}",
        registration,
        registration.registered_at,
        form_id=registration.form_id,
        share_code=registration.share_code or None,
    )


def check_in_row(check_in: CheckIn) -> EventRow:
    return _make_row(
        "checkin",
        f"checkin:{check_in.id}",
        check_in.registration,
        check_in.checked_in_at,
        method=check_in.method,
        properties={"gate": check_in.gate} if check_in.gate else None,
    )


def undone_row(check_in: CheckIn) -> EventRow:
    """The event that takes a check-in back. Its event time is the check-in's."""
    return _make_row(
        "checkin_undone",
        f"undone:{check_in.id}",
        check_in.registration,
        check_in.checked_in_at,
        checkin_event_id=f"{OWN_PREFIX}checkin:{check_in.id}",
    )


def entry_row(passage: Passage) -> EventRow:
    return _make_row("entry", f"entry:{passage.id}", passage.registration, passage.passed_at)


def entry_undone_row(passage: Passage) -> EventRow:
    """The event that takes an entry back. Its event time is the entry's."""
    return _make_row(
        "entry_undone",
        f"entry_undone:{passage.id}",
        passage.registration,
        passage.passed_at,
        entry_event_id=f"{OWN_PREFIX}entry:{passage.id}",
    )


def own_code(registration: Registration) -> str:
    """The share code that proves by itself to be this participant's. They need a visitor id."""
    nonce = urlsafe_b64encode(hashlib.sha256(f"participant\n{registration.id}".encode()).digest())
    return prove_code(registration.conference_id, registration.visitor_id, nonce.decode()[:NONCE_LENGTH])


def share_row(registration: Registration, *, at: dt.datetime) -> EventRow:
    """The event that a participant asked for their own link. It counts as shared once somebody opens it."""
    event = {
        "type": "share",
        "event_id": f"{OWN_PREFIX}share:{registration.id}",
        "conference_id": registration.conference_id,
        "visitor_id": registration.visitor_id,
        "ts": at,
        "share_code": own_code(registration),
        "minted": True,
    }
    return make_row(parse_event(event), _server())


def standing_row(
    *, conference_id: str, registration_id: str, source: str, stands: bool, version: int, at: dt.datetime
) -> EventRow:
    """The event that a registration is withdrawn or restored (event_types/registration_standing.py).

    source: "state" or "void". version: counts the changes of this source. at: when it changed.
    """
    name = registration_id
    if len(name) > _MAX_NAME:  # one that a client made up
        name = hashlib.blake2b(name.encode(), digest_size=_MAX_NAME // 2).hexdigest()
    event = {
        "type": "registration_standing",
        "event_id": f"{OWN_PREFIX}standing:{source}:{name}:{version}",
        "conference_id": conference_id,
        "ts": at,
        "registration_id": registration_id,
        "stands": stands,
        "version": version,
        "source": source,
    }
    return make_row(parse_event(event), _server())


def _make_row(
    type_name: str, own_id: str, registration: Registration, ts: dt.datetime, **own_fields: Any
) -> EventRow:
    """Make the row of an own event, through the same validation as clients' events."""
    event = {
        "type": type_name,
        "event_id": f"{OWN_PREFIX}{own_id}",
        "conference_id": registration.conference_id,
        "visitor_id": registration.visitor_id or None,
        "ts": ts,
        "registration_id": registration.id,
        **own_fields,
    }
    return make_row(parse_event(event), _server())


def _server() -> Client:
    return Client(now_ms(), is_bot=False, visitor_id=lambda conference_id: "", is_server=True)


def send(rows: list[EventRow]) -> bool:
    """Send own events, at most MAX_EVENTS. Returns whether the broker took them.

    The sweep sends later what it did not take: a registration must not fail because statistics are away.
    """
    try:
        queue.append(encode_rows(rows))
    except (redis.RedisError, OSError) as error:
        log.warning("own_events_not_sent", events=len(rows), error=str(error))
        return False
    return True


@dataclass(frozen=True)
class Kind:
    """A kind of own event: its rows in the order of the time field, and how one becomes an event."""

    name: str
    rows: Callable[[], QuerySet[Any]]
    time_field: str
    make_row: Callable[[Any], EventRow]


_kinds: list[Kind] = []


def register_kind(kind: Kind) -> None:
    """Have the sweep send the events of these rows that are missing; other apps add kinds of their own."""
    if any(kind.name == other.name for other in _kinds):
        raise ValueError(f"{kind.name!r} is taken")
    _kinds.append(kind)


def _check_ins() -> QuerySet[CheckIn]:
    return CheckIn.objects.select_related("registration")


def _entries() -> QuerySet[Passage]:
    return Passage.objects.filter(direction=Passage.Direction.IN).select_related("registration")


def registration_standing_row(registration: Registration) -> EventRow:
    """The event of whether a registration's own state lets it count."""
    return standing_row(
        conference_id=registration.conference_id,
        registration_id=registration.id,
        source="state",
        stands=registration.stands,
        version=registration.standing_version,
        at=registration.standing_changed_at or registration.registered_at,
    )


register_kind(Kind("reg", Registration.objects.all, "registered_at", registration_row))
register_kind(Kind("checkin", _check_ins, "recorded_at", check_in_row))
register_kind(Kind("undone", _check_ins, "undone_at", undone_row))
register_kind(Kind("entry", _entries, "recorded_at", entry_row))
register_kind(Kind("entry_undone", _entries, "undone_at", entry_undone_row))
register_kind(Kind("standing", Registration.objects.all, "standing_changed_at", registration_standing_row))


def send_missing(*, now: dt.datetime | None = None) -> int:
    """Send the own events that are not stored. Returns how many were sent.

    Each kind continues from where everything was complete the last time, so a sweep costs next to nothing
    while nothing is missing. It does nothing while the stream holds entries older than GRACE: what seems
    missing is probably among them.
    """
    now = now or timezone.now()
    try:
        if queue.has_unfinished(before=now - GRACE):
            return 0
        return sum(_sweep(kind, now=now) for kind in _kinds)
    except (redis.RedisError, OSError) as error:
        log.warning("own_events_not_swept", error=str(error))
        return 0


def _sweep(kind: Kind, *, now: dt.datetime) -> int:
    """Compare the rows of a kind, send what is missing, and note up to when everything is complete."""
    deadline = time.monotonic() + _MAX_SECONDS
    noted = OwnEventSweep.objects.filter(kind=kind.name).values_list("complete_until", flat=True).first()
    complete_until = now - GRACE
    # A note of the future was made before the clock was set back: look again where rows may have come since.
    is_ahead = noted is not None and noted > now
    done = now - GIVE_UP if is_ahead else noted
    first_missing: dt.datetime | None = None
    sent = 0
    for page in _pages(kind, since=done and done - OVERLAP, until=complete_until):
        missing = _missing(kind, page)
        if missing:
            queue.append(encode_rows([event for _, event in missing]))
            sent += len(missing)
            first_missing = first_missing or missing[0][0]
        if time.monotonic() > deadline:
            complete_until = getattr(page[-1], kind.time_field)
            break
    if first_missing is not None:
        log.warning("missing_own_events_sent", kind=kind.name, events=sent, since=first_missing.isoformat())
        complete_until = min(complete_until, max(first_missing, now - GIVE_UP))
    if noted is None:
        OwnEventSweep.objects.get_or_create(kind=kind.name, defaults={"complete_until": complete_until})
    elif is_ahead or complete_until > noted:
        OwnEventSweep.objects.filter(kind=kind.name).update(complete_until=complete_until)
    return sent


def _pages(kind: Kind, *, since: dt.datetime | None, until: dt.datetime) -> Iterator[list[Any]]:
    """The rows of [since, until) by time, _ROWS_AT_ONCE at a time."""
    field = kind.time_field
    rows = kind.rows().filter(**{f"{field}__lt": until}).order_by(field, "pk")
    if since is not None:
        rows = rows.filter(**{f"{field}__gte": since})
    page = list(rows[:_ROWS_AT_ONCE])
    while page:
        yield page
        last = getattr(page[-1], field)
        after = Q(**{f"{field}__gt": last}) | Q(**{field: last, "pk__gt": page[-1].pk})
        page = list(rows.filter(after, **{f"{field}__gte": last})[:_ROWS_AT_ONCE])


def _missing(kind: Kind, page: list[Any]) -> list[tuple[dt.datetime, EventRow]]:
    """The events of these rows that are not stored, with the rows' times."""
    events = [(getattr(row, kind.time_field), kind.make_row(row)) for row in page]
    keys = [event.key for _, event in events]
    stored = set(Event.objects.filter(id__in=keys).values_list("id", flat=True))
    return [(at, event) for at, event in events if event.key not in stored]
