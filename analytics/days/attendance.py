"""Registrations and check-ins: each once over all days, on the day of its first moment; and who came each
day.

What is confirmed (our own rows, secret keys) goes before what clients report: a report about something
confirmed changes nothing in it. Everything is computed from the stored events of a registration, whichever
day they are on, so the order in which they arrive does not matter (docs/adr/0007, docs/definitions.md).
"""

import datetime as dt
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from analytics.event_types import is_confirmed
from analytics.event_types.registration import is_without_id
from analytics.models import Event
from analytics.store import find_events_of, find_registrations_by
from conferences.models import Conference

FIGURES = ("registrations", "registrations_reported", "checkins", "present", "held")

# What of an event says something here. `data` of a page view may be large; of these types it never is.
_FIELDS = ("id", "type", "subject", "ts", "local_date", "visitor_id", "data")


class _Moment(NamedTuple):
    """When something happened: of several, the least is the first. `date` is the local day."""

    ts: dt.datetime
    key: str
    date: dt.date | None


class History:
    """What the events of one registration say about it, whatever their order."""

    def __init__(self) -> None:
        self.confirmed: _Moment | None = None
        self.reported: _Moment | None = None
        self.visitor_id = ""  # of reports without the registration's id
        self._standing: dict[str, tuple[int, bool]] = {}  # by source, of its highest version
        self._confirmed_check_ins: dict[str, _Moment] = {}
        self._undone: set[str] = set()
        self._reported_check_in: _Moment | None = None
        self._reported_dates: set[dt.date | None] = set()  # of all reported check-ins
        self._entries: dict[str, dt.date | None] = {}  # local days by event id

    def add(self, event: tuple[Any, ...]) -> None:
        """event: the values of _FIELDS."""
        key, type_name, subject, ts, date, visitor_id, data = event
        moment = _Moment(ts, key, date)
        match type_name:
            case "registration" if is_confirmed(key):
                self.confirmed = _first(self.confirmed, moment)
            case "registration":
                self.reported = _first(self.reported, moment)
                if is_without_id(subject):
                    self.visitor_id = visitor_id
            case "checkin" if is_confirmed(key):
                self._confirmed_check_ins[key.rpartition("/")[0]] = moment
            case "checkin":
                self._reported_check_in = _first(self._reported_check_in, moment)
                self._reported_dates.add(date)
            case "checkin_undone":
                self._undone.add(data["checkin_event_id"])
            case "entry":
                self._entries[key.rpartition("/")[0]] = date
            case "entry_undone":
                self._undone.add(data["entry_event_id"])
            case "registration_standing":
                source, version = data["source"], data["version"]
                if source not in self._standing or self._standing[source][0] < version:
                    self._standing[source] = version, data["stands"]

    @property
    def stands(self) -> bool:
        return all(stands for _, stands in self._standing.values())

    def registered(self, *, trusting: bool) -> _Moment | None:
        """By which event it counts as a registration; None: by none.

        trusting: whether the conference counts what clients report.
        """
        first = self.confirmed or (self.reported if trusting else None)
        return first if self.stands else None

    def checked_in(self, *, trusting: bool) -> _Moment | None:
        """The first entry that was not undone; None: there is none.

        Reports count only for registrations of which nothing is confirmed: of the others we know better.
        """
        if self._confirmed_check_ins:
            standing = self._standing_check_ins()
            return min(standing) if standing else None
        return self._reported_check_in if self._counts_reports(trusting=trusting) else None

    def was_present(self, date: dt.date, *, trusting: bool) -> bool:
        """Whether the attendee came in on a local day: by an entry or a check-in that was not undone.

        A check-in that an earlier scan superseded is undone, but its entry is not. Check-ins without an entry
        come from other systems.
        """
        if date in (day for event_id, day in self._entries.items() if event_id not in self._undone):
            return True
        if self._confirmed_check_ins:
            return any(moment.date == date for moment in self._standing_check_ins())
        return date in self._reported_dates and self._counts_reports(trusting=trusting)

    def _standing_check_ins(self) -> list[_Moment]:
        check_ins = self._confirmed_check_ins.items()
        return [moment for event_id, moment in check_ins if event_id not in self._undone]

    def _counts_reports(self, *, trusting: bool) -> bool:
        return trusting and self.confirmed is None and self.stands


def _first(known: _Moment | None, moment: _Moment) -> _Moment:
    return moment if known is None else min(known, moment)


def trusts_clients(conference_id: str) -> bool:
    """Whether the conference counts registrations and check-ins that clients report."""
    trusts = Conference.objects.filter(id=conference_id).values_list("trust_client_registrations", flat=True)
    return trusts.first() is not False


def count_attendance(conference_id: str, date: dt.date) -> dict[str, int]:
    """FIGURES of a local day."""
    day = _attendance_of(conference_id, date)
    return {
        "registrations": len(day.registrations),
        "registrations_reported": sum(is_reported for _, is_reported in day.registrations),
        "checkins": len(day.check_ins),
        "present": day.present,
        "held": day.held,
    }


def find_counted(conference_id: str, date: dt.date) -> set[str]:
    """The keys of the events by which registrations and check-ins count on a local day."""
    day = _attendance_of(conference_id, date)
    return {key for key, _ in day.registrations} | day.check_ins


@dataclass
class _Day:
    """A local day: how many reports are held, registrations (key, is only reported), check-ins' keys, and how
    many attendees came in."""

    held: int = 0
    registrations: list[tuple[str, bool]] = field(default_factory=list)
    check_ins: set[str] = field(default_factory=set)
    present: int = 0


def _attendance_of(conference_id: str, date: dt.date) -> _Day:
    trusting = trusts_clients(conference_id)
    of_day = Event.objects.filter(
        conference_id=conference_id,
        local_date=date,
        is_bot__in=[False],  # SQLite looks up NOT is_bot in no index
        type__in=["checkin", "entry", "registration"],
    )
    day, subjects = _Day(), set()
    for subject, hold in of_day.order_by().values_list("subject", "hold"):
        if not hold:
            subjects.add(subject)
        day.held += hold == Event.Hold.HELD
    for history in _visible(conference_id, load_histories(conference_id, subjects)):
        registered, checked_in = history.registered(trusting=trusting), history.checked_in(trusting=trusting)
        if registered is not None and registered.date == date:
            day.registrations.append((registered.key, history.confirmed is None))
        if checked_in is not None and checked_in.date == date:
            day.check_ins.add(checked_in.key)
        day.present += history.was_present(date, trusting=trusting)
    return day


def load_histories(conference_id: str, subjects: Collection[str]) -> dict[str, History]:
    """By registration, for those that have events."""
    histories: dict[str, History] = {}
    for events in find_events_of(conference_id, subjects):
        for event in events.values_list(*_FIELDS):
            history = histories.get(event[2])
            if history is None:
                history = histories[event[2]] = History()
            history.add(event)
    return histories


def _visible(conference_id: str, histories: dict[str, History]) -> Iterable[History]:
    """Without reports that have no id, of visitors with a confirmed registration: they are about that one."""
    visitors = {history.visitor_id for history in histories.values() if history.visitor_id}
    confirmed = {
        visitor_id
        for events in find_registrations_by(conference_id, visitors)
        for key, visitor_id in events.values_list("id", "visitor_id")
        if is_confirmed(key)
    }
    return (history for history in histories.values() if history.visitor_id not in confirmed)


def find_days(
    conference_id: str,
    *,
    subjects: Collection[str],
    visitor_ids: Collection[str],
    excluding: Collection[dt.date],
) -> set[dt.date]:
    """The days on which these registrations, and those of these visitors, have events: the figures of any of
    them may change with each new event. excluding: days that the caller knows already."""
    found = (*find_events_of(conference_id, subjects), *find_registrations_by(conference_id, visitor_ids))
    # Not DISTINCT, for which SQLite would read all events of the conference in the order of their days.
    dates = (
        date
        for events in found
        for date in events.exclude(local_date__in=excluding).values_list("local_date", flat=True)
    )
    return {date for date in dates if date is not None}
