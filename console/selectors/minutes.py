"""Visitors of the last minutes, minute by minute."""

import datetime as dt

from django.db.models import Q
from django.utils import timezone

from analytics.days.zones import local_date
from analytics.event_types import EVENT_TYPES
from analytics.models import Event
from conferences.models import Conference
from console.remembering import remember

MINUTES = 30
# A minute's visitors are told apart in memory; more events than this are counted from the newest ones.
_MOST_EVENTS = 50_000


def count_minutes(conference: Conference, *, now: dt.datetime | None = None) -> list[int]:
    """Distinct visitors of each of the last MINUTES minutes, oldest first, without bots."""
    if now is not None:
        return _count(conference, now)
    return remember(f"minutes:{conference.id}", lambda: _count(conference, timezone.now()))


def _count(conference: Conference, now: dt.datetime) -> list[int]:
    since = now - dt.timedelta(minutes=MINUTES)
    dates = {local_date(conference.time_zone, round(at.timestamp() * 1000)) for at in (since, now)}
    events = (
        Event.objects.filter(
            conference_id=conference.id, local_date__in=dates, is_bot__in=[False], ts__gt=since, ts__lte=now,
            type__in=[name for name, event_type in EVENT_TYPES.items() if not event_type.internal],
        )
        .filter(Q(type="page_view") | ~Q(visitor_id=""))
        .order_by("-ts")
        .values_list("ts", "type", "subject", "visitor_id")
    )  # fmt: skip
    found: list[set[str]] = [set() for _ in range(MINUTES)]
    for ts, kind, subject, visitor_id in events[:_MOST_EVENTS]:
        place = MINUTES - 1 - int((now - ts).total_seconds() // 60)
        if 0 <= place < MINUTES:
            found[place].add(subject if kind == "page_view" else visitor_id)
    return [len(visitors) for visitors in found]
