"""Which segments there are, which must be made again, and making them.

A segment is up to date if it was made from what its day's summary was last computed from: every change of a
day's events leads to a computation (docs/delivery.md), which raises `DailySummary.computations`. Its visits
also depend on the last half hour of the day before. So nothing has to be told when something changed: a late
event, an erased person, a withdrawn registration, another time zone or list of referrers.

The file comes first, under a name of its own, then the row. A worker that dies in between leaves a file that
no row names, which the sweep deletes. Two that make the same segment make two files with the same content.
"""

import datetime as dt
import hashlib
import os
import tempfile
import time
import uuid
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote as quote_url

import msgspec
from django.core.files import File
from django.core.files.storage import FileSystemStorage, Storage, storages
from django.db import IntegrityError, router, transaction
from django.utils import timezone

from analytics.days.zones import day_bounds, get_zones
from analytics.models import DailySummary, DirtyDay, Segment
from analytics.ranges.building import SCRATCH, build_segment, digest_of
from analytics.ranges.columns import version
from analytics.ranges.extracting import extract_day, extract_evening
from analytics.ranges.facts import Facts
from meeteasy.core.logs import get_logger

log = get_logger(__name__)

# Today's segment is made again after this many times what it takes, so that it costs 5 % of a core at most;
# but it is never older than a minute. A small one is made again at once.
PATIENCE = 20
_SMALL_MS = 250
MAX_AGE = dt.timedelta(seconds=55)


class Day(NamedTuple):
    """What a range needs to know of one of its days.

    name, path: of the segment's file, in the storage and on this machine. A name stands for one content.
    build_ms: how long that took. is_exact: whether it has everything that is stored by now.
    """

    date: dt.date
    name: str
    path: str
    facts: Facts
    built_at: dt.datetime
    build_ms: int
    is_exact: bool


class NotReadyError(Exception):
    """Too many segments are missing to be made while somebody waits."""


def _storage() -> Storage:
    return storages["segments"]


def ensure_days(
    conference_id: str, first: dt.date, last: dt.date, *, today: dt.date, max_seconds: float = 20.0
) -> list[Day]:
    """The segments of the days of a range that have events, made where they are missing or out of date.

    today: its segment may be up to a minute old. Raises NotReadyError after `max_seconds`; what was made
    until then stays.
    """
    deadline = time.monotonic() + max_seconds
    computations, dirty = _days_with_events(conference_id, first, last)
    segments = {
        segment.date: segment
        for segment in Segment.objects.filter(
            conference_id=conference_id, date__gte=first, date__lte=last, version=version()
        )
    }
    now = timezone.now()
    days = []
    for date in sorted(date for date in computations.keys() | dirty if first <= date <= last):
        segment = segments.get(date)
        is_current = (
            segment is not None
            and date not in dirty
            and segment.computations == computations.get(date)
            and (
                segment.evening_computations == computations.get(date - dt.timedelta(days=1), 0)
                or _has_same_evening(segment)
            )
        )
        is_exact = is_current
        if segment is not None and date >= today:
            is_current = is_current or now - segment.built_at < patience(segment)
        path = _find_file(segment) if segment is not None and is_current else None
        if segment is None or path is None:
            if time.monotonic() > deadline:
                raise NotReadyError(f"{date} and others are still being summed up")
            segment, path = make_segment(conference_id, date)
            is_exact = True
        facts = msgspec.json.decode(segment.facts, type=Facts)
        days.append(Day(date, segment.name, path, facts, segment.built_at, segment.build_ms, is_exact))
    return days


def is_large(day: Segment | Day) -> bool:
    """Whether it takes too long to be made again whenever somebody asks."""
    return day.build_ms >= _SMALL_MS


def patience(segment: Segment) -> dt.timedelta:
    """How old today's segment may be before it is made again."""
    if not is_large(segment):
        return dt.timedelta()
    return min(MAX_AGE, dt.timedelta(milliseconds=segment.build_ms * PATIENCE))


def _days_with_events(
    conference_id: str, first: dt.date, last: dt.date
) -> tuple[dict[dt.date, int], set[dt.date]]:
    """How often each day's summary was computed, from the day before `first` on, and which are marked."""
    since = first - dt.timedelta(days=1)
    summaries = DailySummary.objects.filter(conference_id=conference_id, date__gte=since, date__lte=last)
    marks = DirtyDay.objects.filter(
        conference_id=conference_id, local_date__gte=since, local_date__lte=last
    ).order_by()
    return (
        dict(summaries.order_by().values_list("date", "computations")),
        {date for date in marks.values_list("local_date", flat=True).distinct() if date is not None},
    )


def make_segment(conference_id: str, date: dt.date) -> tuple[Segment, str]:
    """Make a day's segment from its stored events. Returns its row and the file's path on this machine."""
    started = time.monotonic()
    now = timezone.now()
    key = DailySummary.key(conference_id, date)
    former = Segment.objects.filter(id=key).first()
    # Before the events: what is computed from here on is another change.
    computations = _computations(conference_id, date)
    evening_computations = _computations(conference_id, date - dt.timedelta(days=1))
    zone = get_zones([conference_id]).get(conference_id, "UTC")
    midnight, end = day_bounds(zone, date)
    evening = extract_evening(conference_id, date - dt.timedelta(days=1), midnight=midnight)
    with tempfile.TemporaryDirectory(prefix=SCRATCH) as folder:
        path = Path(folder) / "segment.parquet"
        rows, facts = build_segment(
            path,
            extract_day(conference_id, date),
            evening,
            date=date,
            midnight_ms=round(midnight.timestamp() * 1000),
            ends_ms=round(end.timestamp() * 1000),
        )
        digest = digest_of(path)
        with path.open("rb") as file:
            name = _storage().save(_name(conference_id, date), File(file))
    segment = Segment(
        id=key,
        conference_id=conference_id,
        date=date,
        version=version(),
        name=name,
        digest=digest,
        computations=computations,
        evening_computations=evening_computations,
        evening=_digest_evening(evening),
        rows=rows,
        facts=msgspec.json.encode(facts).decode(),
        built_at=now,
        build_ms=round((time.monotonic() - started) * 1000),
        change=former.change if former else "",
    )
    if not _write_row(segment, former):
        log.info("segment_overtaken", conference_id=conference_id, date=date.isoformat())
    elif former is not None:
        # At once, since it may name people who were erased. Whoever is reading it tries again.
        _storage().delete(former.name)
    return segment, _local_path(segment)


_FIELDS = (
    "version", "name", "digest", "computations", "evening_computations", "evening", "rows", "facts",
    "built_at", "build_ms",
)  # fmt: skip


def _write_row(segment: Segment, former: Segment | None) -> bool:
    """Write the row of a new file, unless another worker made one of later computations meanwhile."""
    values = {name: getattr(segment, name) for name in _FIELDS}
    rows = Segment.objects.filter(id=segment.id)
    if former is None:
        try:
            with transaction.atomic(using=router.db_for_write(Segment)):
                segment.save(force_insert=True)
        except IntegrityError:
            return bool(rows.filter(computations__lte=segment.computations).update(**values, is_stale=True))
        if _computations(segment.conference_id, segment.date) != segment.computations:
            rows.update(is_stale=True)
        return True
    # A change since `former` was read leaves the mark that it set.
    if rows.filter(change=former.change, computations__lte=segment.computations).update(
        **values, is_stale=False
    ):
        return True
    return bool(rows.filter(computations__lte=segment.computations).update(**values))


def _computations(conference_id: str, date: dt.date) -> int:
    key = DailySummary.key(conference_id, date)
    return DailySummary.objects.filter(id=key).values_list("computations", flat=True).first() or 0


def is_current(segment: Segment) -> bool:
    """Whether it was made of what is stored now; notes so if only the evening before was in doubt."""
    before = segment.date - dt.timedelta(days=1)
    return (
        segment.version == version()
        and segment.computations == _computations(segment.conference_id, segment.date)
        and (
            segment.evening_computations == _computations(segment.conference_id, before)
            or _has_same_evening(segment)
        )
    )


def _has_same_evening(segment: Segment) -> bool:
    """Whether what changed on the day before leaves this day's visits as they are; noted if so."""
    before = segment.date - dt.timedelta(days=1)
    computations = _computations(segment.conference_id, before)
    zone = get_zones([segment.conference_id]).get(segment.conference_id, "UTC")
    midnight, _ = day_bounds(zone, segment.date)
    evening = extract_evening(segment.conference_id, before, midnight=midnight)
    if _digest_evening(evening) != segment.evening:
        return False
    Segment.objects.filter(id=segment.id, name=segment.name).update(evening_computations=computations)
    return True


def _digest_evening(evening: dict[str, int]) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for visitor, ts in sorted(evening.items()):
        digest.update(f"{visitor}\n{ts}\n".encode())
    return digest.hexdigest()


def _name(conference_id: str, date: dt.date) -> str:
    return f"{quote_url(conference_id, safe='')[:150]}/{date.isoformat()}-{uuid.uuid4().hex}.parquet"


def _find_file(segment: Segment) -> str | None:
    """The path of a segment's file; None if it is missing or damaged."""
    try:
        path = _local_path(segment)
        return path if _is_whole(path, os.stat(path).st_mtime_ns, segment.digest) else None
    except OSError:
        return None


@lru_cache(maxsize=20_000)
def _is_whole(path: str, modified_ns: int, digest: str) -> bool:
    """Reads the file once in each process, and again if it was written since."""
    return digest_of(Path(path)) == digest


def forget_files() -> None:
    """Look at all files again: one of them turned out to be missing or damaged."""
    _is_whole.cache_clear()


def _local_path(segment: Segment) -> str:
    """The file itself where the storage is a directory, else a copy of it."""
    storage = _storage()
    is_directory = isinstance(storage, FileSystemStorage)
    return storage.path(segment.name) if is_directory else _copy(storage, segment)


def _copy(storage: Storage, segment: Segment) -> str:
    """Keep a copy of a file that is stored elsewhere. Names are never used twice, so it stays right."""
    folder = Path(tempfile.gettempdir()) / "meeteasy-segments"
    path = folder / f"{segment.digest}-{segment.name.rpartition('-')[2]}"
    if not path.exists():
        folder.mkdir(mode=0o700, exist_ok=True)
        part = folder / f"{uuid.uuid4().hex}.part"
        with storage.open(segment.name) as source, part.open("wb") as target:
            for chunk in source.chunks():
                target.write(chunk)
        part.replace(path)
    return str(path)
