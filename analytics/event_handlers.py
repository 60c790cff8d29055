"""Analytics' own reactions to stored events: mark the day, remember who is here, note unknown conferences."""

from collections.abc import Sequence

from django.utils import timezone

from analytics import counters
from analytics.dirty import mark_days_dirty
from analytics.handlers import on_event
from analytics.models import UnclaimedConference
from analytics.rows import EventRow


@on_event()
def mark_days(events: Sequence[EventRow]) -> None:
    mark_days_dirty(
        {(event.conference_id, event.local_date) for event in events if event.local_date is not None}
    )


@on_event("page_view")
def count_visitors_now(events: Sequence[EventRow]) -> None:
    counters.note_visitors(events)


@on_event()
def note_unclaimed(events: Sequence[EventRow]) -> None:
    unknown = {event.conference_id for event in events if event.local_date is None}
    if not unknown:
        return
    known = set(
        UnclaimedConference.objects.filter(conference_id__in=unknown).values_list("conference_id", flat=True)
    )
    now = timezone.now()
    for conference_id in unknown - known:
        UnclaimedConference.objects.get_or_create(
            conference_id=conference_id, defaults={"first_seen_at": now}
        )
