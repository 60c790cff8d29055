"""What a page of figures is asked: the days, the filters, the chart. All of it stands in the address."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple
from urllib.parse import urlencode

from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from analytics.models import DailySummary
from analytics.ranges.filters import MAX_FILTERS, Filter, parse_filters
from analytics.selectors.summary import MAX_DAYS
from conferences.models import Conference
from console.shell import zone_of


class Named(NamedTuple):
    """A range that has a name. days: None from the first day on. ago: how many days ago it ends."""

    label: Any
    days: int | None
    ago: int = 0


RANGES = {
    "today": Named(gettext_lazy("Today"), 1),
    "yesterday": Named(gettext_lazy("Yesterday"), 1, ago=1),
    "7": Named(gettext_lazy("7 days"), 7),
    "28": Named(gettext_lazy("28 days"), 28),
    "90": Named(gettext_lazy("90 days"), 90),
    "all": Named(gettext_lazy("All"), None),
}
DEFAULT_RANGE = "28"
# What charts show: the field of a day, or an hour.
FIGURES = {
    "visitors": "uv", "views": "pv", "registrations": "registrations", "checkins": "checkins",
    "present": "present",
}  # fmt: skip
_OF_WHOLE_DAYS = frozenset({"present"})  # hours have no such figure
_USUAL_FIGURE = "visitors"
# More bars than those of two weeks are too thin to read.
MAX_DAYS_BY_HOUR = 14


@dataclass(frozen=True)
class Span:
    """The days that are looked at, both included, in the conference's zone. now: an instant of today."""

    name: str
    first: dt.date
    last: dt.date
    now: dt.datetime
    zone: dt.tzinfo

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    @property
    def today(self) -> dt.date:
        return timezone.localdate(self.now, self.zone)

    @property
    def has_today(self) -> bool:
        return self.last == self.today

    @property
    def may_show_hours(self) -> bool:
        return self.days <= MAX_DAYS_BY_HOUR


@dataclass(frozen=True)
class Asked:
    """figure: of FIGURES, the one that the chart shows. by: "day" or "hour". beside: an earlier conference's
    id. is_beyond_retention: events of some of the days are deleted. problems: what of the address was not
    understood or cannot be shown, for the reader."""

    span: Span
    filters: tuple[Filter, ...] = ()
    figure: str = _USUAL_FIGURE
    by: str = "day"
    beside: str = ""
    is_beyond_retention: bool = False
    problems: tuple[str, ...] = ()

    def pairs(self) -> list[tuple[str, str]]:
        """The names and values of an address that asks for this."""
        span = self.span
        found = [("range", span.name)] if span.name else [("from", f"{span.first}"), ("to", f"{span.last}")]
        found += [("filter", str(item)) for item in self.filters]
        if self.figure != _USUAL_FIGURE:
            found.append(("figure", self.figure))
        if self.by != _usual_by(span):
            found.append(("by", self.by))
        if self.beside:
            found.append(("beside", self.beside))
        return found

    def query(self, **changes: Any) -> str:
        """The query of an address that asks the same but for `changes`.

        Beside the fields: `range` is a name of RANGES, `day` a date, `days` the first and the last of some,
        `with_filter` and `without` filters.
        """
        asked = self
        if name := changes.pop("range", ""):
            asked = replace(asked, span=replace(asked.span, name=name), by="")
        if day := changes.pop("day", None):
            asked = replace(asked, span=replace(asked.span, name="", first=day, last=day), by="hour")
        if days := changes.pop("days", None):
            asked = replace(asked, span=replace(asked.span, name="", first=days[0], last=days[1]), by="")
        if added := changes.pop("with_filter", None):
            asked = replace(asked, filters=(*(item for item in asked.filters if item != added), added))
        if left := changes.pop("without", None):
            asked = replace(asked, filters=tuple(item for item in asked.filters if item != left))
        asked = replace(asked, **changes)
        return "?" + urlencode([(name, value) for name, value in asked.pairs() if value])

    @property
    def api_query(self) -> str:
        """The query of the API for the same days and filters, without the conference."""
        pairs = [("from", f"{self.span.first}"), ("to", f"{self.span.last}")]
        return urlencode([*pairs, *(("filter", str(item)) for item in self.filters)])

    @property
    def has_room(self) -> bool:
        """Whether another filter may be added."""
        return len(self.filters) < MAX_FILTERS


def read_asked(
    conference: Conference, given: QueryDict, *, now: dt.datetime | None = None, may_filter: bool = True
) -> Asked:
    """Read an address. What it says wrongly is named in `problems`, and the usual takes its place.

    may_filter: whether filters are read.
    """
    problems: list[str] = []
    span = read_span(conference, given, now=now or timezone.now(), problems=problems)
    by = given.get("by", "")
    by = by if by in ("day", "hour") else _usual_by(span)
    filters = _read_filters(given, problems) if may_filter else ()
    kept = conference.events_deleted_before
    is_beyond = kept is not None and span.first < kept
    if is_beyond:
        # What is left are figures of whole days, which know neither hours nor visits.
        by, filters = "day", ()
        message = _("Events before %(date)s are deleted. Of earlier days only their sums remain.")
        problems.append(message % {"date": kept})
    figure = given.get("figure", "")
    return Asked(
        span=span,
        filters=filters,
        figure=figure if figure in FIGURES else _USUAL_FIGURE,
        by=by if span.may_show_hours and figure not in _OF_WHOLE_DAYS else "day",
        beside=given.get("beside", "")[:64],
        is_beyond_retention=is_beyond,
        problems=tuple(problems),
    )


def _usual_by(span: Span) -> str:
    return "hour" if span.days == 1 else "day"


def read_span(conference: Conference, given: QueryDict, *, now: dt.datetime, problems: list[str]) -> Span:
    """The days that an address names by `range`, or by `from` and `to`; else the usual ones."""
    zone = zone_of(conference)
    today = timezone.localdate(now, zone)
    if "from" in given or "to" in given:
        own = _read_dates(given, today, problems)
        if own is not None:
            return Span("", *own, now, zone)
    name = given.get("range", "")
    if name not in RANGES:
        if name:
            problems.append(_("“range” is none of: %(names)s.") % {"names": ", ".join(RANGES)})
        name = DEFAULT_RANGE
    _label, days, ago = RANGES[name]
    last = today - dt.timedelta(days=ago)
    if days is not None:
        return Span(name, last - dt.timedelta(days=days - 1), last, now, zone)
    dates = DailySummary.objects.filter(conference_id=conference.id).order_by("date")
    first = dates.values_list("date", flat=True).first() or today
    return Span(name, max(today - dt.timedelta(days=MAX_DAYS - 1), min(first, today)), today, now, zone)


def _read_dates(given: QueryDict, today: dt.date, problems: list[str]) -> tuple[dt.date, dt.date] | None:
    found = {}
    for name, label in (("from", _("From")), ("to", _("To"))):
        try:
            found[name] = dt.date.fromisoformat(given.get(name, "") or f"{today}")
        except ValueError:
            problems.append(_("“%(field)s” is no date like 2026-11-26.") % {"field": label})
            return None
    first, last = found["from"], min(found["to"], today)
    if first > last:
        problems.append(_("“From” is after “To”, or after today."))
    elif (last - first).days >= MAX_DAYS:
        problems.append(_("“From” is too early: at most %(days)d days are shown.") % {"days": MAX_DAYS})
    else:
        return first, last
    return None


def _read_filters(given: QueryDict, problems: list[str]) -> tuple[Filter, ...]:
    """Those in the address as `filter`, and the one of the search form: `dimension`, `contains`."""
    texts = given.getlist("filter")
    if text := given.get("contains", "").strip():
        texts.append(f"{given.get('dimension', '')}:contains:{text}")
    found: list[Filter] = []
    for item in texts[:MAX_FILTERS]:
        try:
            found += parse_filters([item])
        except ValueError:
            problems.append(
                _("The filter “%(text)s” was not understood and is left out.") % {"text": item[:80]}
            )
    if len(texts) > MAX_FILTERS:
        problems.append(_("At most %(most)d filters are combined.") % {"most": MAX_FILTERS})
    return tuple(_in_order(found))


def _in_order(filters: Sequence[Filter]) -> list[Filter]:
    """Each once, in the order in which they were chosen."""
    return list(dict.fromkeys(filters))
