"""Keeps segments up to date before anybody asks, prepares the usual answers, and clears up.

Everything here is only to save waiting: whoever asks finds out by themselves what must be made again
(analytics/ranges/segments.py).
"""

import datetime as dt
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from zoneinfo import ZoneInfo

from django.core.files.storage import storages
from django.utils import timezone

from analytics import store
from analytics.days.sealing import is_sealed, read_sealed_before
from analytics.days.zones import get_zones
from analytics.models import DailySummary, Segment
from analytics.ranges.segments import (
    MAX_AGE,
    PATIENCE,
    SCRATCH,
    NotReadyError,
    is_current,
    is_large,
    make_segment,
)
from analytics.selectors.answers import is_at_rest, is_watched, note_prepared
from analytics.selectors.summary import MAX_DAYS, USUAL_DAYS, BeyondRetentionError, get_summary
from conferences.models import Conference
from meeteasy.core.logs import get_logger

log = get_logger(__name__)

# Files that no row names: of workers that died before they wrote it.
_ORPHAN_AGE = dt.timedelta(hours=1)
# Today's segment is made again this often while nobody looks.
_UNWATCHED_AGE = dt.timedelta(minutes=10)


def remake_stale_segments(*, now: dt.datetime | None = None, max_seconds: float = 10.0) -> int:
    """Make segments again whose day changed, then prepare answers of the conferences that are watched.

    Returns how many segments were made. Today's waits for its patience; a past day's is made now. One that
    cannot be made stays marked and costs no other.
    """
    now = now or timezone.now()
    deadline = time.monotonic() + max_seconds
    stale = list(Segment.objects.filter(is_stale=True).order_by("built_at")[:1_000])
    zones = get_zones({segment.conference_id for segment in stale})
    made = 0
    changed: set[str] = set()
    for segment in stale:
        if time.monotonic() > deadline:
            break
        zone = zones.get(segment.conference_id)
        is_today = zone is not None and segment.date >= now.astimezone(ZoneInfo(zone)).date()
        if is_today and now - segment.built_at < _patience(segment):
            continue
        try:
            made += _remake(segment)
            changed.add(segment.conference_id)
        except Exception as error:
            if store.is_outage(error):
                raise
            log.exception("segment_failed", segment=segment.id)
    _prepare(changed, now=now, deadline=deadline)
    return made


def _patience(segment: Segment) -> dt.timedelta:
    """How old today's segment may be before it is made again."""
    if not is_large(segment):
        return dt.timedelta()
    if not is_watched(segment.conference_id):
        return _UNWATCHED_AGE
    return min(MAX_AGE, dt.timedelta(milliseconds=segment.build_ms * PATIENCE))


def _remake(segment: Segment) -> bool:
    if not DailySummary.objects.filter(id=segment.id).exists():  # its last event moved away
        _delete([segment])
        return False
    if is_sealed(segment.conference_id, segment.date):  # its visitors are deleted
        _delete([segment])
        return False
    if is_current(segment):
        # Unless another change came meanwhile.
        Segment.objects.filter(id=segment.id, change=segment.change).update(is_stale=False)
        return False
    make_segment(segment.conference_id, segment.date)
    return True


def _prepare(conference_ids: Iterable[str], *, now: dt.datetime, deadline: float) -> None:
    """Answer the usual questions of conferences that are watched, so that the answers are remembered."""
    watched = [id for id in conference_ids if is_watched(id) and not is_at_rest(id)]
    for conference in Conference.objects.filter(id__in=watched):
        started = time.process_time()  # of all threads
        for first, last in _usual_ranges(conference, now=now):
            if time.monotonic() > deadline:
                break
            with suppress(BeyondRetentionError, NotReadyError):
                get_summary(conference, first=first, last=last, compare=True, now=now, is_asked=False)
        note_prepared(conference.id, seconds=time.process_time() - started)


def _usual_ranges(conference: Conference, *, now: dt.datetime) -> list[tuple[dt.date, dt.date]]:
    """Those that the console offers, the cheapest first."""
    today = now.astimezone(ZoneInfo(conference.time_zone)).date()
    yesterday = today - dt.timedelta(days=1)
    ranges = [(yesterday, yesterday), *((today - dt.timedelta(days=days - 1), today) for days in USUAL_DAYS)]
    first = DailySummary.objects.filter(conference_id=conference.id).order_by("date").first()
    if first is not None and first.date <= today:
        ranges.append((max(first.date, today - dt.timedelta(days=MAX_DAYS - 1)), today))
    return ranges


def make_segments(conference_id: str, first: dt.date, last: dt.date) -> int:
    """Make the segments of all days of a range that have a summary and their events, up to date or not.

    Returns how many.
    """
    summaries = DailySummary.objects.filter(conference_id=conference_id, date__gte=first, date__lte=last)
    sealed = read_sealed_before(conference_id)
    if sealed is not None:
        summaries = summaries.filter(date__gte=sealed)
    dates = list(summaries.order_by("date").values_list("date", flat=True))
    for date in dates:
        make_segment(conference_id, date)
    return len(dates)


def sweep_segments(*, now: dt.datetime | None = None) -> int:
    """Delete segments of days, events and conferences that are gone, and files that no row names.

    Returns how many.
    """
    now = now or timezone.now()
    deleted = 0
    named: set[str] = set()
    for conference_id in _conferences_with_segments():
        rows = list(Segment.objects.filter(conference_id=conference_id))
        days = set(DailySummary.objects.filter(conference_id=conference_id).values_list("id", flat=True))
        exists = Conference.objects.filter(id=conference_id).exists()
        sealed = read_sealed_before(conference_id) or dt.date.min
        gone = [row for row in rows if not exists or row.id not in days or row.date < sealed]
        _delete(gone)
        deleted += len(gone)
        named.update(row.name for row in rows)
    storage = storages["segments"]
    try:
        folders, _ = storage.listdir("")
    except FileNotFoundError:  # nothing was ever stored
        return deleted
    for folder in folders:
        for name in storage.listdir(folder)[1]:
            path = f"{folder}/{name}"
            if path not in named and storage.get_modified_time(path) < now - _ORPHAN_AGE:
                storage.delete(path)
                deleted += 1
    return deleted


def _conferences_with_segments() -> Iterator[str]:
    """One after the other, by the index: their distinct ids would be looked for among all segments."""
    last = ""
    ids = Segment.objects.order_by("conference_id").values_list("conference_id", flat=True)
    while (found := ids.filter(conference_id__gt=last).first()) is not None:
        yield found
        last = found


def delete_segment(conference_id: str, date: dt.date) -> None:
    """Delete the segment of a day, if there is one."""
    _delete(Segment.objects.filter(id=DailySummary.key(conference_id, date)))


def sweep_scratch(*, now: dt.datetime | None = None) -> int:
    """Delete what processes that were killed left in this machine's temporary directory; returns how many."""
    before = ((now or timezone.now()) - _ORPHAN_AGE).timestamp()
    left = [path for path in Path(tempfile.gettempdir()).glob(f"{SCRATCH}*") if path.stat().st_mtime < before]
    for path in left:
        shutil.rmtree(path, ignore_errors=True)
    return len(left)


def _delete(segments: Iterable[Segment]) -> None:
    """The row first: a row must not name a file that is gone."""
    for segment in segments:
        Segment.objects.filter(id=segment.id, name=segment.name).delete()
        storages["segments"].delete(segment.name)
