"""Giving stored events the local dates of their conference's time zone.

Needed when a conference is created for which events have already come (they are adopted), when its zone or
the zone's data changes, and when a worker stored events meanwhile. Its days are also recomputed when it
begins or ceases to trust its clients. Each conference's settings are compared with those under which its
events got their dates, so that no missed message can leave them wrong.
"""

import datetime as dt
from collections.abc import Iterable
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.db.models import Max, Min, QuerySet
from django.dispatch import Signal
from django.utils import timezone

from analytics.days.dirty import clear_marks, mark_conference_dirty, mark_days_dirty
from analytics.days.sealing import read_sealed_before
from analytics.days.zones import day_bounds, zone_version
from analytics.event_types import LASTING_TYPES
from analytics.models import AppliedSettings, DailySummary, DirtyDay, Event, UnclaimedConference
from analytics.signals import adopted_late, trust_changed, unclaimed_dropped
from conferences.models import Conference
from meeteasy.core.logs import get_logger

log = get_logger(__name__)

UNCLAIMED_DAYS = 7


def redate_changed_conferences() -> int:
    """Redate the events of every conference whose settings changed, or that is marked. Returns how many."""
    marks: dict[str, list[str]] = {}
    for mark_id, conference_id in DirtyDay.objects.filter(local_date__isnull=True).values_list(
        "id", "conference_id"
    ):
        marks.setdefault(conference_id, []).append(mark_id)
    done_in = {
        conference_id: (time_zone, version, trusts_clients)
        for conference_id, time_zone, version, trusts_clients in AppliedSettings.objects.values_list(
            "conference_id", "time_zone", "zone_version", "trusts_clients"
        )
    }
    # Events that came while there was no such conference, also of one that was deleted and made again.
    waiting = dict(UnclaimedConference.objects.values_list("conference_id", "first_seen_at"))
    dropped_before = timezone.now() - dt.timedelta(days=UNCLAIMED_DAYS)
    redated = 0
    for conference_id, time_zone, trusts_clients in Conference.objects.values_list(
        "id", "time_zone", "trust_client_registrations"
    ):
        noted = done_in.get(conference_id)
        if (
            noted == (time_zone, zone_version(time_zone), trusts_clients)
            and conference_id not in marks
            and conference_id not in waiting
        ):
            continue
        is_late = conference_id in waiting and waiting[conference_id] < dropped_before
        if is_late and not _send(adopted_late, conference_id):
            continue  # it is still noted as waiting
        marked = marks.get(conference_id, [])
        if trusts_clients != (noted is None or noted[2]):  # where nothing is noted, clients were trusted
            # Noted before the signal: a worker that judges by another setting meanwhile marks the conference.
            marked = [*marked, mark_conference_dirty(conference_id)]
            AppliedSettings.objects.update_or_create(
                conference_id=conference_id,
                defaults={"trusts_clients": trusts_clients},
                create_defaults={"trusts_clients": trusts_clients, "time_zone": ""},
            )
        try:
            redate_conference(conference_id, time_zone, trusts_clients=trusts_clients)
        except ZoneInfoNotFoundError:
            # A name that this machine's zone data does not know; it must not stop the other conferences.
            log.exception("zone_unknown", conference_id=conference_id, time_zone=time_zone)
            continue
        if marked and not _send(trust_changed, conference_id):
            continue  # the marks stay
        clear_marks(marked)
        redated += 1
    return redated


def _send(signal: Signal, conference_id: str) -> bool:
    """Returns whether no receiver failed. A failure must not stop the other conferences."""
    failed = [
        answer
        for _, answer in signal.send_robust(sender=Conference, conference_id=conference_id)
        if isinstance(answer, Exception)
    ]
    for error in failed:
        log.error("receiver_failed", conference_id=conference_id, exc_info=error)
    return not failed


def mark_where_trust_changed(conferences: Iterable[Conference]) -> None:
    """Note the trust setting by which the reports of these conferences are about to be judged. If it is not
    the applied one, `trust_changed` will follow, even if the setting is changed back before that."""
    trusts = {conference.id: conference.trust_client_registrations for conference in conferences}
    noted = dict(
        AppliedSettings.objects.filter(conference_id__in=list(trusts)).values_list(
            "conference_id", "trusts_clients"
        )
    )
    for conference_id, trusts_clients in trusts.items():
        if noted.get(conference_id, True) != trusts_clients:
            mark_conference_dirty(conference_id)


def redate_conference(conference_id: str, time_zone: str, *, trusts_clients: bool = True) -> int:
    """Give all events of the conference their local date in `time_zone`, and mark all its days dirty.

    trusts_clients: the setting under which its days are counted from now on.
    Returns how many events got another date. May be repeated, and interrupted at any point: the events
    themselves tell which are wrong, and the settings are noted as applied last.
    """
    events = Event.objects.filter(conference_id=conference_id)
    summaries = DailySummary.objects.filter(conference_id=conference_id)
    # Days whose last event moves away have a summary that must become zero.
    days = set(summaries.values_list("date", flat=True))
    moved = 0
    sealed = read_sealed_before(conference_id)
    for former in list(events.order_by().values_list("local_date", flat=True).distinct()):
        moved += _redate_group(events.filter(local_date=former), former, time_zone, sealed)
    days |= {day for day in events.order_by().values_list("local_date", flat=True).distinct() if day}
    # A day that had ended in the former zone may not have ended in this one.
    today = timezone.now().astimezone(ZoneInfo(time_zone)).date()
    summaries.filter(date__gte=today).update(closed_at=None)
    mark_days_dirty((conference_id, day) for day in days)
    AppliedSettings.objects.update_or_create(
        conference_id=conference_id,
        defaults={
            "time_zone": time_zone,
            "zone_version": zone_version(time_zone),
            "trusts_clients": trusts_clients,
        },
    )
    UnclaimedConference.objects.filter(conference_id=conference_id).delete()
    if moved:
        log.info("events_redated", conference_id=conference_id, time_zone=time_zone, events=moved)
    return moved


def _redate_group(
    group: QuerySet[Event], former: dt.date | None, time_zone: str, sealed: dt.date | None
) -> int:
    """Move the events of one former local date (None: not known yet) to their days in `time_zone`.

    sealed: the first day that may get events which retention deletes; those of a day before it go to it,
    since the days before are not counted again (analytics/days/sealing.py).

    Group by group, because the index finds a conference's events by local date, not by time.
    """
    span = group.aggregate(first=Min("ts"), last=Max("ts"))
    if span["first"] is None:
        return 0
    zone = ZoneInfo(time_zone)
    date, last = (span[end].astimezone(zone).date() for end in ("first", "last"))
    moved = 0
    while date <= last:
        if date != former:
            start, end = day_bounds(time_zone, date)
            found = group.filter(ts__gte=start, ts__lt=end)
            if sealed is not None and date < sealed:
                if former != sealed:
                    moved += found.exclude(type__in=LASTING_TYPES).update(local_date=sealed)
                found = found.filter(type__in=LASTING_TYPES)
            moved += found.update(local_date=date)
        date += dt.timedelta(days=1)
    return moved


def drop_unclaimed_events(*, now: dt.datetime | None = None) -> int:
    """Delete events that waited `UNCLAIMED_DAYS` and still have no conference. Returns how many."""
    before = (now or timezone.now()) - dt.timedelta(days=UNCLAIMED_DAYS)
    unclaimed = set(
        UnclaimedConference.objects.filter(first_seen_at__lt=before).values_list("conference_id", flat=True)
    )
    # One that was created a moment ago is about to adopt its events.
    unclaimed -= set(Conference.objects.filter(id__in=list(unclaimed)).values_list("id", flat=True))
    dropped = 0
    empty = []
    for conference_id in unclaimed:
        waiting = Event.objects.filter(conference_id=conference_id, local_date__isnull=True)
        dropped += waiting.filter(received_at__lt=before).delete()[0]
        if not waiting.exists():
            empty.append(conference_id)
    if unclaimed:
        unclaimed_dropped.send(sender=UnclaimedConference, conference_ids=sorted(unclaimed))
    for conference_id in empty:
        if not Event.objects.filter(conference_id=conference_id, local_date__isnull=True).exists():
            UnclaimedConference.objects.filter(conference_id=conference_id, first_seen_at__lt=before).delete()
    if dropped:
        log.info("unclaimed_events_dropped", events=dropped)
    return dropped
