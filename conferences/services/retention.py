"""Deleting what a conference has kept for long enough: events, messages, files.

Every app says which of its rows grow old (`keeps`). Owners see what would go before they set a time, and
nothing goes until a day after it was set. A run deletes in slices for a bounded time; a crash at any point
leaves what the next run finds.
"""

import copy
import datetime as dt
import time
import zoneinfo
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from conferences.models import Conference
from conferences.services.conferences import update_conference
from meeteasy.core.forgetting import request_rewrite
from meeteasy.core.logs import get_logger

log = get_logger(__name__)

# Between setting a time and the first deletion: it can be taken back, and workers that began under the former
# setting have ended (analytics/days/sealing.py relies on this).
GRACE = dt.timedelta(days=1)
# A run gives the queue back after this time; the next one goes on.
SECONDS_A_RUN = 20.0
TIME_LIMIT_SECONDS = 300
# Of a preview: days that are listed, and how long counting may take.
_LISTED_DAYS = 60
_COUNT_SECONDS = 3.0
# Events must be kept for longer than they may take to arrive.
_MARGIN_DAYS = 7


class Due(NamedTuple):
    """So many rows of a kind are of a local day that is old enough."""

    kind: str
    date: dt.date
    rows: int


@dataclass(frozen=True)
class Kind:
    """A kind of rows that grow old.

    field: of Conference. count: yields (local date, rows) of the days before a date, oldest first, lazily.
    delete: deletes them in slices until the time (monotonic) is up; returns how many, and whether all.
    """

    name: str
    label: Any
    field: str
    count: Callable[[Conference, dt.date], Iterator[tuple[dt.date, int]]]
    delete: Callable[[Conference, dt.date, float], tuple[int, bool]]


@dataclass(frozen=True)
class Preview:
    """What would be deleted. is_cut: there is more, which was not counted. As of `today`."""

    due: list[Due]
    is_cut: bool
    today: dt.date

    def totals(self) -> dict[str, int]:
        """Rows by kind."""
        found: dict[str, int] = {}
        for kind, _date, rows in self.due:
            found[kind] = found.get(kind, 0) + rows
        return found


_kinds: dict[str, Kind] = {}


def keeps(kind: Kind) -> None:
    """Register a kind of rows that are deleted after a time that owners set."""
    if kind.name in _kinds:
        raise ValueError(f"{kind.name!r} is taken")
    _kinds[kind.name] = kind


def kinds() -> list[Kind]:
    """Return the registered kinds in the order of their names."""
    return [_kinds[name] for name in sorted(_kinds)]


def least_event_days() -> int:
    """Return for how many days events are kept at least."""
    return max(30, settings.INGEST_ACCEPTANCE_DAYS + _MARGIN_DAYS)


def horizon(conference: Conference, field: str, *, now: dt.datetime) -> dt.date | None:
    """Return the first local day that is kept; None: all are."""
    days: int | None = getattr(conference, field)
    if days is None:
        return None
    return timezone.localdate(now, zoneinfo.ZoneInfo(conference.time_zone)) - dt.timedelta(days=days)


def midnight(conference: Conference, date: dt.date) -> dt.datetime:
    """Return the instant at which a local day begins."""
    return dt.datetime.combine(date, dt.time(), zoneinfo.ZoneInfo(conference.time_zone))


def set_retention(
    conference: Conference, *, now: dt.datetime | None = None, **days: int | None
) -> Conference:
    """Set how long the kinds are kept, by their fields; None: as long as the conference.

    Deletion begins GRACE later. Raises ValidationError with the names of the bad fields.
    """
    check_days(days)
    changed = {field: value for field, value in days.items() if getattr(conference, field) != value}
    if not changed:
        return conference
    log.info("retention_set", conference_id=conference.id, **changed)
    return update_conference(conference, **changed, retention_set_at=now or timezone.now())


def check_days(days: dict[str, int | None]) -> None:
    """Raise ValidationError unless events are kept until all that was accepted has arrived."""
    least = least_event_days()
    events = days.get("keep_events_days")
    if events is not None and events < least:
        text = _("Events are kept for at least %(least)d days, because they may arrive late.")
        raise ValidationError({"keep_events_days": text % {"least": least}})


def in_force_at(conference: Conference) -> dt.datetime | None:
    """Return when deletion begins, or began; None: nothing is deleted."""
    is_on = any(getattr(conference, kind.field) is not None for kind in kinds())
    if not is_on or conference.retention_set_at is None:
        return None
    return conference.retention_set_at + GRACE


def preview(
    conference: Conference, days: Mapping[str, int | None] | None = None, *, now: dt.datetime | None = None
) -> Preview:
    """Count what would be deleted now, by kind and local day. Nothing changes.

    days: by field, in place of what is set. At most _LISTED_DAYS days of each kind, for a bounded time.
    """
    now, until = now or timezone.now(), time.monotonic() + _COUNT_SECONDS
    conference = copy.copy(conference)
    for field, value in (days or {}).items():
        setattr(conference, field, value)
    due: list[Due] = []
    is_cut = False
    for kind in kinds():
        before = horizon(conference, kind.field, now=now)
        if before is None:
            continue
        for number, (date, rows) in enumerate(kind.count(conference, before)):
            if number == _LISTED_DAYS or time.monotonic() > until:
                is_cut = True
                break
            due.append(Due(kind.name, date, rows))
    return Preview(due, is_cut, timezone.localdate(now, zoneinfo.ZoneInfo(conference.time_zone)))


def delete_due(*, now: dt.datetime | None = None, seconds: float = SECONDS_A_RUN) -> bool:
    """Delete what is old enough, for a bounded time. Returns whether something is left to do now."""
    now, until = now or timezone.now(), time.monotonic() + seconds
    is_on = Q()
    for kind in kinds():
        is_on |= Q(**{f"{kind.field}__isnull": False})
    # In any order: a conference with much to delete does not keep the others waiting at each run.
    ids = Conference.objects.filter(is_on, retention_set_at__lte=now - GRACE).order_by("?")
    is_over = True
    for conference_id in list(ids.values_list("id", flat=True)):
        is_over &= _delete_of(conference_id, now=now, until=until)
        if time.monotonic() > until:
            return True
    return not is_over


def _delete_of(conference_id: str, *, now: dt.datetime, until: float) -> bool:
    """Delete what is old enough of a conference. A failure costs no other. Returns whether it is done."""
    conference = Conference.objects.filter(id=conference_id, retention_set_at__lte=now - GRACE).first()
    if conference is None:  # deleted, or set anew, meanwhile
        return True
    is_done = True
    for kind in kinds():
        before = horizon(conference, kind.field, now=now)
        if before is None:
            continue
        try:
            deleted, is_all = kind.delete(conference, before, until)
        except Exception:
            log.exception("retention_failed", conference_id=conference_id, kind=kind.name)
            continue
        if deleted:
            log.info("retention_deleted", conference_id=conference_id, kind=kind.name, rows=deleted)
            request_rewrite()
        is_done &= is_all
    return is_done
