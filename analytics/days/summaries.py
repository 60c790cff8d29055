"""Daily summaries: computing dirty days again, and closing days that have ended."""

import datetime as dt
import time
from collections.abc import Callable
from zoneinfo import ZoneInfo

from django.db import IntegrityError, router, transaction
from django.db.models import Min
from django.utils import timezone

from analytics import store
from analytics.days.dirty import clear_marks, mark_segments_stale
from analytics.days.figures import compute_figures
from analytics.days.sealing import is_sealed, keep_former
from analytics.days.zones import get_zones
from analytics.models import DailySummary, DirtyDay, Event
from meeteasy.core.logs import get_logger

log = get_logger(__name__)

_MAX_SECONDS = 60.0
# Beat's refresh comes every few seconds. While no day has waited longer than _PATIENCE it ends after this
# time, a tenth of a core. So a day of a million events that keeps growing is not counted in every refresh.
USUAL_SECONDS = 0.5
_PATIENCE = dt.timedelta(seconds=20)


def compute_day(conference_id: str, date: dt.date, *, close: bool = False) -> DailySummary:
    """Compute a day's figures and write its summary; `revision` rises only when a figure changed.

    close: also note that the day has ended. `computations` is the lock between two computations at once: the
    one that read the summary before the other wrote it starts over, so older figures never replace newer.
    Of a sealed day, figures of deleted events stay as they are (analytics/days/sealing.py).
    """
    key = DailySummary.key(conference_id, date)
    while True:
        # In this order: the summary is read before the events are counted.
        summary = DailySummary.objects.filter(id=key).first()
        figures = compute_figures(conference_id, date)
        if summary is not None and is_sealed(conference_id, date):
            figures = keep_former(figures, summary.figures)
        now = timezone.now()
        if summary is None:
            summary = DailySummary(
                id=key,
                conference_id=conference_id,
                date=date,
                figures=figures,
                computed_at=now,
                closed_at=now if close else None,
            )
            try:
                with transaction.atomic(using=router.db_for_write(DailySummary)):
                    summary.save(force_insert=True)
            except IntegrityError:
                continue
            mark_segments_stale(conference_id, date)
            return summary
        changes = {
            "figures": figures,
            "revision": summary.revision + _differ(figures, summary.figures),
            "computations": summary.computations + 1,
            "computed_at": now,
            "closed_at": summary.closed_at or (now if close else None),
        }
        if DailySummary.objects.filter(id=key, computations=summary.computations).update(**changes):
            for name, value in changes.items():
                setattr(summary, name, value)
            mark_segments_stale(conference_id, date)
            return summary


def _differ(figures: dict[str, int], former: dict[str, int]) -> bool:
    """A figure that is missing counts as 0: one that is new in the catalogue changes no day without any."""
    return any(figures.get(name, 0) != former.get(name, 0) for name in figures.keys() | former.keys())


def _try_compute_day(conference_id: str, date: dt.date, *, close: bool = False) -> bool:
    """Call compute_day. A failure is logged and costs no other day; it returns False then."""
    try:
        compute_day(conference_id, date, close=close)
    except Exception as error:
        if store.is_outage(error):
            raise  # no day is to blame
        log.exception("day_failed", conference_id=conference_id, date=date.isoformat())
        return False
    return True


def _try_refresh_day(conference_id: str, date: dt.date) -> bool:
    """Compute a marked day; a day whose last event has moved away, as after a change of zone, goes."""
    if not _try_compute_day(conference_id, date):
        return False
    summary = DailySummary.objects.filter(id=DailySummary.key(conference_id, date)).first()
    if summary is None or any(summary.figures.values()):
        return True
    if not Event.objects.filter(conference_id=conference_id, local_date=date).exists():
        DailySummary.objects.filter(id=summary.id, computations=summary.computations).delete()
    return True


def refresh_dirty_days(*, max_seconds: float = _MAX_SECONDS, usual_seconds: float = _MAX_SECONDS) -> int:
    """Compute the days that are marked dirty, the longest waiting first. Returns how many.

    usual_seconds: after this time only days that have waited longer than _PATIENCE are computed; after
    max_seconds none is. The next call does the rest.

    A day's marks are read before its events and exactly those are deleted after its summary is written. So
    an event that is stored in between, whose mark comes after it, leaves the day dirty.
    A day that cannot be computed stays marked and costs no other day.
    """
    started = time.monotonic()
    impatient_before = timezone.now() - _PATIENCE

    def is_over(marked_at: dt.datetime) -> bool:
        seconds = time.monotonic() - started
        return seconds >= max_seconds or (seconds >= usual_seconds and marked_at > impatient_before)

    computed = 0
    try:
        computed = _compute_marked_days(until=is_over)
    except Exception as error:
        _wait_if_outage(error)
    if computed:
        log.info("days_computed", days=computed, milliseconds=round((time.monotonic() - started) * 1000))
    return computed


def _wait_if_outage(error: Exception) -> None:
    """Log that the days wait for a database, or raise what is no outage."""
    if not store.is_outage(error):
        raise error
    log.warning("days_wait", error=repr(error)[:500])


def _compute_marked_days(*, until: Callable[[dt.datetime], bool]) -> int:
    """Compute marked days until `until`, called with the time of the next day's oldest mark, returns True."""
    computed = 0
    failed: set[tuple[str, dt.date]] = set()
    marks = DirtyDay.objects.filter(local_date__isnull=False)
    by_day = marks.values_list("conference_id", "local_date").annotate(since=Min("marked_at"))
    while days := [row for row in by_day.order_by("since") if row[:2] not in failed]:
        for conference_id, date, since in days:
            if until(since):
                return computed
            ids = list(
                marks.filter(conference_id=conference_id, local_date=date).values_list("id", flat=True)
            )
            if _try_refresh_day(conference_id, date):
                clear_marks(ids)
                computed += 1
            else:
                failed.add((conference_id, date))
    return computed


def close_ended_days(*, now: dt.datetime | None = None) -> int:
    """Compute once more, and mark as closed, the days whose local midnight has passed. Returns how many.

    It looks for days that are not closed, not for a certain hour, so a missed tick is caught up by the next.
    """
    now = now or timezone.now()
    latest_anywhere = (now + dt.timedelta(hours=14)).date()  # the easternmost zone's date
    open_days = DailySummary.objects.filter(closed_at__isnull=True, date__lt=latest_anywhere)
    days = list(open_days.values_list("conference_id", "date"))
    zones = get_zones({conference_id for conference_id, _ in days})
    closed = 0
    for conference_id, date in days:
        zone = zones.get(conference_id)
        ended = zone is None or date < now.astimezone(ZoneInfo(zone)).date()
        try:
            closed += ended and _try_compute_day(conference_id, date, close=True)
        except Exception as error:
            _wait_if_outage(error)
            break
    if closed:
        log.info("days_closed", days=closed)
    return closed


def compute_range(conference_id: str, first: dt.date, last: dt.date) -> int:
    """Compute every day from `first` to `last`, both included, dirty or not. Returns how many.

    Their marks stay for the next refresh, which finds nothing changed.
    """
    days = (last - first).days + 1
    for offset in range(days):
        compute_day(conference_id, first + dt.timedelta(days=offset))
    return max(days, 0)
