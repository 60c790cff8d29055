"""Which segments there are, which must be made again, and making them.

A segment is up to date if it was made from what its day's summary was last computed from: every change of a
day's events leads to a computation (docs/delivery.md), which raises `DailySummary.computations`. So nothing
has to be told when something changed: a late event, an erased person, a withdrawn registration, another time
zone or list of referrers.

The file comes first, under a name of its own, then the row. A worker that dies in between leaves a file that
no row names, which the sweep deletes. Two that make the same segment make two files with the same content.
"""

import datetime as dt
import hashlib
import os
import tempfile
import time
import uuid
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple, TypeVar
from urllib.parse import quote as quote_url

from django.core.files import File
from django.core.files.storage import FileSystemStorage, Storage, storages
from django.db import IntegrityError, router, transaction
from django.utils import timezone

from analytics.days.zones import day_bounds, get_zones
from analytics.models import DailySummary, DirtyDay, Segment
from analytics.ranges.columns import DamagedError, version
from analytics.ranges.extracting import extract_day
from meeteasy.core.logs import get_logger
from meeteasy.core.together import Together

log = get_logger(__name__)

Found = TypeVar("Found")

# The worker makes today's segment again after this many times what it takes: 5 % of a core at most,
# while nobody sees one that is older than a minute. A small one is made at once by whoever asks.
PATIENCE = 20
_SMALL_MS = 50
MAX_AGE = dt.timedelta(seconds=55)
# Files of a day that changes all the time may vanish more than once while somebody reads.
_TRIES = 5
# Folders for a moment; one that a killed process left is swept (analytics/preparing.py).
SCRATCH = "meeteasy-segment-"


class Day(NamedTuple):
    """What a range needs to know of one of its days.

    name, path: of the segment's file, in the storage and on this machine. A name stands for one content.
    build_ms: how long that took. is_exact: whether it has everything that is stored by now. figures: of the
    day's summary. is_marked: whether the day has changed since that was computed.
    """

    date: dt.date
    name: str
    path: str
    built_at: dt.datetime
    build_ms: int
    is_exact: bool
    is_marked: bool
    figures: dict[str, int]


class NotReadyError(Exception):
    """Too many segments are missing to be made while somebody waits."""


def _storage() -> Storage:
    return storages["segments"]


class Known(NamedTuple):
    """What the database says about the days of a range that have events.

    figures: of each day's summary. computations: how often it was computed. marked: days that have changed
    since. segments: of this version, up to date or not.
    """

    figures: dict[dt.date, dict[str, int]]
    computations: dict[dt.date, int]
    marked: set[dt.date]
    segments: dict[dt.date, Segment]

    def dates(self) -> list[dt.date]:
        return sorted(self.computations.keys() | self.marked)

    def is_exact(self, date: dt.date) -> bool:
        """Whether the day's segment has all that is stored."""
        segment = self.segments.get(date)
        return (
            segment is not None
            and date not in self.marked
            and segment.computations == self.computations.get(date)
        )


def read_known(conference_id: str, first: dt.date, last: dt.date) -> Known:
    """Marks are read first: a day's are deleted after its summary was written, so none is missed."""
    marks = DirtyDay.objects.filter(
        conference_id=conference_id, local_date__gte=first, local_date__lte=last
    ).order_by()
    marked = {date for date in marks.values_list("local_date", flat=True).distinct() if date is not None}
    of_range = {"conference_id": conference_id, "date__gte": first, "date__lte": last}
    summaries = DailySummary.objects.filter(**of_range).order_by()
    rows = list(summaries.values_list("date", "figures", "computations"))
    segments = Segment.objects.filter(**of_range, version=version())
    return Known(
        {date: figures for date, figures, _ in rows},
        {date: computations for date, _, computations in rows},
        marked,
        {segment.date: segment for segment in segments},
    )


def ensure_days(
    conference_id: str,
    first: dt.date,
    last: dt.date,
    *,
    today: dt.date,
    since: dt.datetime | None = None,
    max_seconds: float = 20.0,
) -> list[Day]:
    """The segments of the days of a range that have events, made where they are missing or out of date.

    today: its segment may be up to a minute old. since: what was made from then on is good enough. Raises
    NotReadyError after `max_seconds`; what was made until then stays.
    """
    deadline = time.monotonic() + max_seconds
    known = read_known(conference_id, first, last)
    now = timezone.now()
    days = []
    for date in known.dates():
        segment = known.segments.get(date)
        is_exact = is_current = known.is_exact(date)
        if segment is not None and date >= today:
            # A large one is made by the worker: sooner, while somebody looks (analytics/preparing.py).
            is_current = is_current or (is_large(segment) and now - segment.built_at < MAX_AGE)
        if segment is not None and since is not None:
            is_current = is_current or segment.built_at >= since
        path = _find_file(segment) if segment is not None and is_current else None
        if segment is None or path is None:
            if time.monotonic() > deadline:
                raise NotReadyError(f"{date} and others are still being summed up")
            segment, path = _makers.ask((conference_id, date), None)
            is_exact = True
        days.append(
            Day(
                date,
                segment.name,
                path,
                segment.built_at,
                segment.build_ms,
                is_exact,
                date in known.marked,
                known.figures.get(date, {}),
            )
        )
    return days


def read_files(
    conference_id: str, days: Sequence[Day], work: Callable[[Sequence[Day]], Found]
) -> tuple[Found, Sequence[Day]]:
    """Do something with the files of these days. Returns what it gave, and the days that it was given.

    A file that vanishes while it is read gave way to a newer one, which is read instead, and one that turns
    out to be damaged is made again. Raises DamagedError when that happens again and again.
    """
    for _ in range(_TRIES - 1):
        try:
            return work(days), days
        except DamagedError:
            forget_files()
            since = max(day.built_at for day in days)
            # As if none were today's: one may be no older than the one that is gone.
            days = ensure_days(conference_id, days[0].date, days[-1].date, today=dt.date.max, since=since)
    return work(days), days


def is_large(*days: Segment | Day) -> bool:
    """Whether they are too much to be made, or counted, again whenever somebody asks."""
    return sum(day.build_ms for day in days) >= _SMALL_MS


def make_segment(conference_id: str, date: dt.date) -> tuple[Segment, str]:
    """Make a day's segment from its stored events. Returns its row and the file's path on this machine."""
    from analytics.ranges.building import build_segment  # NumPy, which most processes have no use for

    started = time.monotonic()
    now = timezone.now()
    key = DailySummary.key(conference_id, date)
    former = Segment.objects.filter(id=key).first()
    # Before the events: what is computed from here on is another change.
    computations = _computations(conference_id, date)
    zone = get_zones([conference_id]).get(conference_id, "UTC")
    midnight, _ = day_bounds(zone, date)
    with tempfile.TemporaryDirectory(prefix=SCRATCH) as folder:
        path = Path(folder) / "segment"
        rows = build_segment(
            path, extract_day(conference_id, date), midnight_ms=round(midnight.timestamp() * 1000)
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
        rows=rows,
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


# Of several threads that miss the same segment one makes it.
_makers: Together[tuple[str, dt.date], None, tuple[Segment, str]] = Together(
    lambda day, askers: [make_segment(*day)] * len(askers)
)

_FIELDS = ("version", "name", "digest", "computations", "rows", "built_at", "build_ms")


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
    """Whether it was made of what is stored now."""
    return segment.version == version() and segment.computations == _computations(
        segment.conference_id, segment.date
    )


def _name(conference_id: str, date: dt.date) -> str:
    return f"{quote_url(conference_id, safe='')[:150]}/{date.isoformat()}-{uuid.uuid4().hex}.segment"


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


def digest_of(path: Path) -> str:
    """32 hex characters of the file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


def forget_files() -> None:
    """Look at all files again: one of them turned out to be missing or damaged."""
    from analytics.ranges.files import forget_headers

    _is_whole.cache_clear()
    forget_headers()


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
