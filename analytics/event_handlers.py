"""Analytics' own reactions to stored events: mark the day, note unknown conferences."""

from collections.abc import Collection, Sequence

from django.db import connections, router
from django.utils import timezone

from analytics.days.attendance import find_days
from analytics.days.dirty import mark_days_dirty
from analytics.event_types import ATTENDANCE_TYPES
from analytics.events.rows import EventRow
from analytics.models import UnclaimedConference
from analytics.reactions.handlers import on_event

# The ids of one `__in`; SQLite, PostgreSQL and MongoDB all take that many.
_CHUNK = 500


@on_event()
def mark_days(events: Sequence[EventRow]) -> None:
    """Mark the days of the events, and note the conferences that do not exist: their events have no day."""
    days = {(event.conference_id, event.local_date) for event in events}
    mark_days_dirty([(conference_id, date) for conference_id, date in days if date is not None])
    _note_unclaimed({conference_id for conference_id, date in days if date is None})


@on_event(*ATTENDANCE_TYPES)
def mark_days_of_registrations(events: Sequence[EventRow]) -> None:
    """A registration counts on the day of its first moment, which any event about it may move.

    Held reports and those of bots move nothing, and clients can send any number of them.
    """
    by_conference: dict[str, list[EventRow]] = {}
    for event in events:
        if event.local_date is not None and not event.is_held and not event.is_bot:
            by_conference.setdefault(event.conference_id, []).append(event)
    days = {
        (conference_id, date)
        for conference_id, of_conference in by_conference.items()
        for date in find_days(
            conference_id,
            subjects={event.subject for event in of_conference},
            visitor_ids={
                event.visitor_id
                for event in of_conference
                if event.type == "registration" and event.visitor_id
            },
            excluding={event.local_date for event in of_conference if event.local_date is not None},
        )
    }
    mark_days_dirty(days)


def _note_unclaimed(unknown: Collection[str]) -> None:
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
