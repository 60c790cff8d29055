"""Analytics' own reactions to stored events: mark the day, note unknown conferences."""

from collections.abc import Sequence

from django.db import connections, router
from django.utils import timezone

from analytics.days.dirty import mark_days_dirty
from analytics.events.rows import EventRow
from analytics.models import UnclaimedConference
from analytics.reactions.handlers import on_event

# The ids of one `__in`; SQLite, PostgreSQL and MongoDB all take that many.
_CHUNK = 500


@on_event()
def mark_days(events: Sequence[EventRow]) -> None:
    mark_days_dirty(
        {(event.conference_id, event.local_date) for event in events if event.local_date is not None}
    )


@on_event()
def note_unclaimed(events: Sequence[EventRow]) -> None:
    unknown = {event.conference_id for event in events if event.local_date is None}
    if not unknown:
        return
    now = timezone.now()
    ids = sorted(unknown)
    for start in range(0, len(ids), _CHUNK):
        chunk = ids[start : start + _CHUNK]
        known = set(
            UnclaimedConference.objects.filter(conference_id__in=chunk).values_list(
                "conference_id", flat=True
            )
        )
        _insert_unclaimed(
            [
                UnclaimedConference(conference_id=conference_id, first_seen_at=now)
                for conference_id in chunk
                if conference_id not in known
            ]
        )


def _insert_unclaimed(new: list[UnclaimedConference]) -> None:
    """Insert rows unless another worker did meanwhile; its row stays as it is."""
    alias = router.db_for_write(UnclaimedConference)
    if connections[alias].features.supports_ignore_conflicts:
        UnclaimedConference.objects.using(alias).bulk_create(new, ignore_conflicts=True)
        return
    for row in new:  # MongoDB
        UnclaimedConference.objects.get_or_create(
            conference_id=row.conference_id, defaults={"first_seen_at": row.first_seen_at}
        )
