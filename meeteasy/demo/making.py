"""Make the demo conferences, and remove them.

Everything goes the usual way: events through validation, store and reactions, people through the services
that the form and the desk call. The outbox keeps what would have been mailed as sent, so nobody gets a mail.
"""

import datetime as dt
import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from analytics import own_events, preparing
from analytics.days import redating, summaries
from analytics.events.lines import LineReader
from analytics.events.rows import EventRow
from analytics.models import DirtyDay
from analytics.reactions.pipeline import store_and_react
from conferences.models import Alias, CheckIn, Conference, DeletedConference, Registration
from conferences.services import create_conference
from conferences.services.aliases import claim_alias
from conferences.services.deleting import delete_due
from conferences.services.lifecycle import WAITING_DAYS, request_deletion
from meeteasy.demo import facts
from meeteasy.demo.attending import Added, in_pieces, register_everybody
from meeteasy.demo.history import CONFERENCE_DAYS, DAYS_BEFORE, HOURS_A_DAY, invent_history
from sharing.services.minting import CodeTakenError, mint_link

SEED = 7
_VISITORS, _VISITORS_LAST_YEAR = 4000, 1200
_EVENTS_AT_ONCE = 2000
_POSTERS = (("gate-A", "Poster at gate A"), ("gate-C", "Poster at gate C"), ("slides", "Keynote slides"))
_LAST_YEAR = "-last-year"
Tell = Callable[[str], Any]


def find_demos() -> list[Conference]:
    """Return the conferences that a demo has made: this year's first."""
    marked = Alias.objects.filter(name=facts.MARK).values("conference_id")
    return list(Conference.objects.filter(id__in=marked, id__startswith="demo").order_by("-starts_at"))


def make_demo(
    *, owner: User, tell: Tell, now: dt.datetime | None = None, scale: float = 1, prepare: bool = True
) -> Conference:
    """Make this year's conference, which opened its doors yesterday, and last year's to compare it with.

    Made again, it adds what has happened since. scale: 1 for all visitors, less for fewer. prepare:
    also make the segments of the days, so that the first look at a range does not wait. Returns this year's
    conference.
    """
    now = now or timezone.now()
    this_year, last_year = _find_or_create(owner, now)
    made = Added()
    for conference, visitors, seed in (
        (last_year, _VISITORS_LAST_YEAR, SEED + 1), (this_year, _VISITORS, SEED),
    ):  # fmt: skip
        tell(f"{conference.name}: inventing {DAYS_BEFORE} days")
        _fill(conference, owner, made, now=now, visitors=round(visitors * scale), seed=seed)
    _mint_posters(this_year, owner)
    tell("adding up the days")
    _add_up([last_year, this_year])
    if prepare:
        for conference in (last_year, this_year):
            preparing.make_segments(conference.id, dt.date.min, dt.date.max)
    tell(f"added {made.events} events, {made.registrations} registrations and {made.check_ins} check-ins")
    return this_year


def remove_demos(*, tell: Tell, now: dt.datetime | None = None) -> int:
    """Delete the demo conferences with all their data, without the usual waiting time. Returns how many."""
    now = now or timezone.now()
    found = find_demos()
    for conference in found:
        tell(f"deleting {conference.id}")
        if conference.delete_at is None or conference.delete_at > now:
            conference.delete_at = None
            request_deletion(conference, now=now - dt.timedelta(days=WAITING_DAYS))
        while Conference.objects.filter(pk=conference.pk).exists():
            delete_due(now=now)
    preparing.sweep_segments()
    return len(found)


def _find_or_create(owner: User, now: dt.datetime) -> tuple[Conference, Conference]:
    found = find_demos()
    this_year = next((item for item in found if not item.id.endswith(_LAST_YEAR)), None)
    last_year = next((item for item in found if item.id.endswith(_LAST_YEAR)), None)
    zone = ZoneInfo(facts.ZONE)
    with transaction.atomic():
        if this_year is None:
            yesterday = timezone.localdate(now, zone) - dt.timedelta(days=1)
            this_year = _create(free_id(), owner, yesterday, zone)
        if last_year is None:
            assert this_year.starts_at is not None
            first_day = timezone.localdate(this_year.starts_at, zone) - dt.timedelta(weeks=52)
            last_year = _create(f"{free_id(_LAST_YEAR)}{_LAST_YEAR}", owner, first_day, zone)
    return this_year, last_year


def free_id(suffix: str = "") -> str:
    """Return `demo`, or `demo-2` and so on. The id of a deleted conference is never given again."""
    taken = set(Conference.objects.filter(id__startswith="demo").values_list("id", flat=True))
    taken |= set(DeletedConference.objects.filter(id__startswith="demo").values_list("id", flat=True))
    names = itertools.chain(["demo"], (f"demo-{number}" for number in itertools.count(2)))
    return next(name for name in names if f"{name}{suffix}" not in taken)


def _create(conference_id: str, owner: User, first_day: dt.date, zone: ZoneInfo) -> Conference:
    doors = dt.datetime.combine(first_day, dt.time(9), tzinfo=zone)
    last_day = first_day + dt.timedelta(days=CONFERENCE_DAYS - 1)
    conference = create_conference(
        owner=owner, id=conference_id, starts_at=doors, capacity=facts.CAPACITY,
        ends_at=dt.datetime.combine(last_day, dt.time(9 + HOURS_A_DAY), tzinfo=zone),
        registration_opens_at=dt.datetime.combine(
            first_day - dt.timedelta(days=DAYS_BEFORE), dt.time(0), tzinfo=zone
        ),
        **facts.make_settings(first_day.year),
    )  # fmt: skip
    claim_alias(conference=conference, kind=Alias.Kind.DOMAIN, name=facts.MARK, by=owner)
    return conference


def _fill(
    conference: Conference, owner: User, made: Added, *, now: dt.datetime, visitors: int, seed: int
) -> None:
    assert conference.starts_at is not None
    history = invent_history(
        conference.id, doors=conference.starts_at, now=now, visitors=visitors, seed=seed
    )  # fmt: skip
    reader = LineReader()
    for number, events in enumerate(in_pieces(history.events, _EVENTS_AT_ONCE)):
        lines = list(enumerate(map(msgspec.json.encode, events), start=number * _EVENTS_AT_ONCE))
        rows = reader.read_many(lines)
        if rows is None:  # some line is bad, and this says which
            rows = [(index, reader.read(index, line)) for index, line in lines]
        made.events += store_and_react([row for _, row in rows]).stored
    people = register_everybody(conference, history.attendees, by=owner)
    made.registrations += people.registrations
    made.check_ins += people.check_ins
    for own in in_pieces(list(_own_rows(conference)), _EVENTS_AT_ONCE):
        store_and_react(own)  # the workers get these as well, but may not be running


def _own_rows(conference: Conference) -> Iterator[EventRow]:
    """The events of all registrations and check-ins, as the workers make them."""
    for registration in Registration.objects.filter(conference=conference).order_by("registered_at", "id"):
        yield own_events.registration_row(registration)
        if registration.standing_changed_at is not None:
            yield own_events.registration_standing_row(registration)
    check_ins = CheckIn.objects.filter(registration__conference=conference).select_related("registration")
    for made in check_ins.order_by("recorded_at", "id"):
        yield own_events.check_in_row(made)
        if made.undone_at is not None:
            yield own_events.undone_row(made)


def _mint_posters(conference: Conference, owner: User) -> None:
    for code, label in _POSTERS:
        try:
            mint_link(conference, owner=owner, label=label, channel="poster", code=code)
        except CodeTakenError:
            continue


def _add_up(conferences: Sequence[Conference]) -> None:
    """Compute the marked days."""
    redating.redate_changed_conferences()
    while DirtyDay.objects.filter(conference_id__in=[item.id for item in conferences]).exists():
        if not summaries.refresh_dirty_days():
            break  # one that cannot be computed stays marked
