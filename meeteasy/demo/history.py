"""Invent weeks of a conference: visits, share chains, registrations, bots, events that arrive late.

The same seed and the same date always give the same history, with the same ids, so making it again adds
nothing twice. Nothing here touches a database.
"""

import datetime as dt
import math
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from analytics.context.describing import describe
from analytics.event_types.share import prove_code
from meeteasy.demo import facts
from meeteasy.demo.people import Person, invent_people

DAYS_BEFORE = 42  # from the opening of registration to the doors
CONFERENCE_DAYS = 3
HOURS_A_DAY = 9  # from the doors until it closes, on the last day, too
DEEPEST = 12  # links of the longest chain
_HOURS = (1, 1, 1, 1, 1, 1, 2, 4, 8, 11, 12, 10, 9, 9, 10, 11, 10, 8, 7, 8, 10, 9, 6, 3)
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_RECENT_LINKS = 60


@dataclass
class Attendee:
    """A registration to make, and what becomes of it. Times are None if it does not happen."""

    person: Person
    visitor_id: str
    share_code: str
    registered_at: dt.datetime
    answers: dict[str, Any]
    cancelled_at: dt.datetime | None = None
    arrived_at: dt.datetime | None = None
    gate: str = ""


@dataclass
class History:
    """events: lines as analytics/events/lines.py reads them. attendees: in order of registration."""

    events: list[dict[str, Any]] = field(default_factory=list)
    attendees: list[Attendee] = field(default_factory=list)


class _Link(NamedTuple):
    code: str
    depth: int
    shared_at: dt.datetime


@dataclass
class _Visitor:
    id: str
    source: facts.Source
    first_seen: dt.datetime
    context: dict[str, str]
    language: int  # index into the titles of facts.PAGES
    opened: str = ""
    depth: int = 0


def invent_history(
    conference_id: str, *, doors: dt.datetime, now: dt.datetime, visitors: int, seed: int
) -> History:
    """Invent what happened until `now`. doors: when the conference starts."""
    history = _Inventor(conference_id, doors, visitors, seed).invent()
    history.events = [event for event in history.events if max(event["ts"], event["received_at"]) <= now]
    history.events.sort(key=lambda event: event["received_at"])
    closes_at = doors + dt.timedelta(days=CONFERENCE_DAYS - 1, hours=HOURS_A_DAY)
    history.attendees = [item for item in history.attendees if item.registered_at < min(now, closes_at)]
    history.attendees.sort(key=lambda item: item.registered_at)
    for item in history.attendees:
        item.cancelled_at = item.cancelled_at if item.cancelled_at and item.cancelled_at <= now else None
        item.arrived_at = item.arrived_at if item.arrived_at and item.arrived_at <= now else None
    return history


class _Inventor:
    def __init__(self, conference_id: str, doors: dt.datetime, visitors: int, seed: int) -> None:
        self._conference_id = conference_id
        self._zone = ZoneInfo(facts.ZONE)
        self._first_day = doors.astimezone(self._zone).date() - dt.timedelta(days=DAYS_BEFORE)
        self._count = visitors
        self._seed = seed
        self._chance = random.Random(seed)  # noqa: S311  no secret
        self._people = invent_people(self._chance)
        self._links: list[_Link] = []
        self._number = 0
        self.history = History()

    def invent(self) -> History:
        for visitor in sorted(self._invent_visitors(), key=lambda item: item.first_seen):
            self._live_through(visitor)
        self._invent_bots()
        return self.history

    def _invent_visitors(self) -> Iterator[_Visitor]:
        chance = self._chance
        days = range(DAYS_BEFORE + CONFERENCE_DAYS)
        weights = [self._busyness(day) for day in days]
        agents, countries = facts.AGENTS, facts.COUNTRIES
        for number in range(self._count):
            day = chance.choices(days, weights)[0]
            country = chance.choices(list(countries), list(countries.values()))[0]
            agent = chance.choices(list(agents), list(agents.values()))[0]
            yield _Visitor(
                id=f"{self._seed:04x}{number:06x}{chance.getrandbits(64):016x}",
                source=self._choose_source(day),
                first_seen=self._draw_moment(day),
                context=_read_context(agent, country),
                language=0 if country in ("CN", "HK") and chance.random() < 0.92 else 1,
            )

    def _busyness(self, day: int) -> float:
        """How many visitors come on a day: many at the launch, with the newsletters, and before the doors."""
        launch, rush = 2.5 * math.exp(-day / 2), 2.4 * math.exp(-abs(day - DAYS_BEFORE) / 6)
        is_weekend = (self._first_day + dt.timedelta(days=day)).weekday() >= 5
        return (0.5 + launch + rush) * (0.55 if is_weekend else 1) * (2.1 if day in (10, 35) else 1)

    def _choose_source(self, day: int) -> facts.Source:
        draw = self._chance.random()
        if day in (10, 11) and draw < 0.5:
            return facts.NEWSLETTER
        if day in (35, 36) and draw < 0.45:
            return facts.LAST_CALL
        if 20 <= day <= 30 and draw < 0.2:
            return facts.ADVERTS
        return self._chance.choices(facts.SOURCES, [source.weight for source in facts.SOURCES])[0]

    def _draw_moment(self, day: int) -> dt.datetime:
        hour = self._chance.choices(range(24), _HOURS)[0]
        date = self._first_day + dt.timedelta(days=day)
        start = dt.datetime.combine(date, dt.time(hour), tzinfo=self._zone).astimezone(dt.UTC)
        return start + dt.timedelta(milliseconds=self._chance.randrange(3_600_000))

    def _live_through(self, visitor: _Visitor) -> None:
        """A visitor's visits, and whether they came by a link, register and share."""
        chance = self._chance
        link = self._choose_link(visitor.first_seen) if chance.random() < 0.42 else None
        if link is not None:
            visitor.opened, visitor.depth, visitor.source = link.code, link.depth, facts.Source(0)
        end = self._visit(visitor, visitor.first_seen, is_first=True)
        # Who opens the deepest link always passes it on, until the chain is long enough to be looked at.
        grows = link is not None and link is self._deepest()
        registers = chance.random() < self._eagerness(visitor, grows=grows)
        if registers:
            self._register(visitor, end)
        if visitor.depth < DEEPEST and (grows or chance.random() < (0.3 if registers else 0.02)):
            self._share(visitor, end + dt.timedelta(minutes=chance.uniform(1, 40)))
        for _again in range(chance.choices((0, 1, 2, 4), (60, 25, 10, 5))[0]):
            self._visit(visitor, visitor.first_seen + dt.timedelta(days=chance.uniform(0.2, 12)))

    def _eagerness(self, visitor: _Visitor, *, grows: bool) -> float:
        """How likely a visitor registers."""
        if grows and visitor.depth < DEEPEST:
            return 0.8
        return 0.2 if visitor.opened else 0.1 if visitor.source.campaign else 0.065

    def _choose_link(self, at: dt.datetime) -> _Link | None:
        known = [link for link in self._links[-_RECENT_LINKS:] if link.shared_at < at]
        deepest = self._deepest()
        if deepest is not None and deepest.depth < DEEPEST and deepest.shared_at < at:
            known += [deepest] * (len(known) // 4)
        return self._chance.choice(known) if known else None

    def _deepest(self) -> _Link | None:
        return max(self._links, key=lambda link: link.depth, default=None)

    def _visit(self, visitor: _Visitor, start: dt.datetime, *, is_first: bool = False) -> dt.datetime:
        """Add the events of one visit. Returns when it ended. One in thirty was offline and arrives later."""
        chance, at = self._chance, start
        session = f"{chance.getrandbits(64):016x}"
        delay = dt.timedelta(hours=chance.uniform(2, 60)) if chance.random() < 0.033 else dt.timedelta()
        pages = chance.choices(list(facts.PAGES), facts.PAGE_WEIGHTS, k=chance.choice((1, 2, 2, 3, 4, 6)))
        if is_first and visitor.opened:
            self._add("share_open", visitor, at, session, delay, share_code=visitor.opened)
        for number, page in enumerate(pages):
            url, referrer = f"{facts.SITE}{page}", ""
            if is_first and number == 0:
                url, referrer = self._entry_url(visitor, url), visitor.source.referrer
            title = facts.PAGES[page][visitor.language]
            self._add(
                "page_view", visitor, at, session, delay, page=page, url=url, referrer=referrer, title=title
            )
            at += dt.timedelta(seconds=chance.uniform(8, 150))
        if chance.random() < 0.02:
            self._add("ai_chat", visitor, at, session, delay, message_length=chance.randrange(12, 180))
        return at

    def _entry_url(self, visitor: _Visitor, url: str) -> str:
        if visitor.opened:
            return f"{url}?_s={visitor.opened}"
        if visitor.source.campaign:
            names = zip(("source", "medium", "campaign"), visitor.source.campaign, strict=True)
            return f"{url}?" + "&".join(f"utm_{name}={value}" for name, value in names)
        return url

    def _register(self, visitor: _Visitor, at: dt.datetime) -> None:
        chance = self._chance
        person, tracks = next(self._people), facts.TRACKS
        doors = dt.datetime.combine(
            self._first_day + dt.timedelta(days=DAYS_BEFORE), dt.time(8, 15), tzinfo=self._zone
        )
        fate = chance.random()
        day = 0 if chance.random() < 0.86 else 1
        arrival = doors + dt.timedelta(days=day, minutes=chance.triangular(0, 300, 45))
        attendee = Attendee(
            person, visitor.id, visitor.opened, at,
            answers={
                "company": person.company, "track": chance.choices(list(tracks), list(tracks.values()))[0],
                "meals": chance.choice(facts.MEALS), "consent": True,
            },
            gate=chance.choice(facts.GATES),
        )  # fmt: skip
        if fate < 0.05:
            attendee.cancelled_at = at + dt.timedelta(days=chance.uniform(0.5, 9))
        elif fate < 0.84 and arrival > at:
            attendee.arrived_at = arrival.astimezone(dt.UTC)
        self.history.attendees.append(attendee)

    def _share(self, visitor: _Visitor, at: dt.datetime) -> None:
        chance, channels = self._chance, facts.CHANNELS
        nonce = "".join(chance.choices(_ALPHABET, k=4))
        code = prove_code(self._conference_id, visitor.id, nonce)
        channel = chance.choices(list(channels), list(channels.values()))[0]
        self._add(
            "share", visitor, at, "", dt.timedelta(), share_code=code, channel=channel,
            target_url=f"{facts.SITE}/", parent_share_code=visitor.opened or None,
        )  # fmt: skip
        self._links.append(_Link(code, visitor.depth + 1, at))

    def _invent_bots(self) -> None:
        for day in range(DAYS_BEFORE + CONFERENCE_DAYS):
            for _hit in range(self._chance.randrange(2, 14)):
                agent = self._chance.choice(facts.BOTS)
                at = self._draw_moment(day)
                bot = _Visitor(f"bot-{self._chance.getrandbits(40):010x}", facts.SOURCES[0], at, {}, 1)
                bot.context = _read_context(agent, "US")
                page = self._chance.choice(list(facts.PAGES))
                url = f"{facts.SITE}{page}"
                self._add("page_view", bot, at, "", dt.timedelta(), page=page, url=url, is_bot=True)

    def _add(
        self, type_name: str, visitor: _Visitor, at: dt.datetime, session: str, delay: dt.timedelta,
        **own: Any,
    ) -> None:  # fmt: skip
        self._number += 1
        event = {
            "type": type_name, "event_id": f"demo-{self._seed}-{self._number:06}",
            "conference_id": self._conference_id, "visitor_id": visitor.id, "ts": at,
            "received_at": at + delay, "context": visitor.context,
            **({"session_id": session} if session else {}),
            **{name: value for name, value in own.items() if value not in ("", None)},
        }  # fmt: skip
        self.history.events.append(event)


def _read_context(agent: str, country: str) -> dict[str, str]:
    context: dict[str, str] = msgspec.json.decode(describe(agent, country).context)
    return context
