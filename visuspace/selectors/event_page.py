"""What an event page shows of its conference."""

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings

from conferences.models import Conference
from conferences.questions import Question, read_questions, text_in
from conferences.selectors.registrations import count_taken
from visuspace.blocks import Block
from visuspace.dates import format_days, format_moment, format_short_moment, name_zone
from visuspace.language import interface_language
from visuspace.selectors.content import ShownBlock, load_blocks, show_blocks
from visuspace.sky import Sky, make_sky


class Phase(StrEnum):
    """What a visitor can do about registering."""

    SOON = "soon"
    OPEN = "open"
    WAITING = "waiting"
    FULL = "full"
    CLOSED = "closed"
    CANCELLED = "cancelled"  # the conference does not take place


@dataclass(frozen=True)
class Registering:
    """State of the registration.

    places: None if there is no capacity. taken_percent: 0 to 100. opens, closes: local times, or "". is_over:
    the conference has ended.
    """

    phase: Phase
    places: int | None
    free: int
    taken_percent: float
    opens: str
    closes: str
    needs_approval: bool
    is_over: bool

    @property
    def has_form(self) -> bool:
        return self.phase in (Phase.OPEN, Phase.WAITING)


@dataclass(frozen=True)
class FormOption:
    value: str
    label: str


@dataclass(frozen=True)
class FormQuestion:
    """A custom question in the page's language."""

    key: str
    kind: str
    label: str
    required: bool
    options: list[FormOption]


@dataclass(frozen=True)
class EventPage:
    """The content of an event page in one language. Dates are texts in the conference's zone.

    languages: pairs of code and name of the other languages. url: the canonical address.
    """

    conference: Conference
    language: str
    languages: list[tuple[str, str]]
    days: str
    starts: str
    ends: str
    zone: str
    registering: Registering
    questions: list[FormQuestion]
    blocks: list[ShownBlock]
    sky: Sky
    url: str

    @property
    def when(self) -> str:
        """Return days and venue, as far as they are known."""
        comma = "，" if self.language.startswith("zh") else ", "
        return comma.join(part for part in (self.days, self.conference.venue) if part)

    @property
    def lead(self) -> str:
        """Return the sentence below the name."""
        leads = (str(block.data["lead"]) for block in self.blocks if block.kind == "hero")
        return next(leads, self.conference.tagline)

    @property
    def content(self) -> list[ShownBlock]:
        """Return the blocks between the hero and the form."""
        return [block for block in self.blocks if block.kind not in ("hero", "registration")]

    @property
    def structured(self) -> dict[str, Any]:
        """Return the conference as schema.org's Event."""
        conference = self.conference
        zone = ZoneInfo(conference.time_zone)  # search engines show the time that is written
        moments = {"startDate": conference.starts_at, "endDate": conference.ends_at}
        status = "EventCancelled" if conference.cancelled_at else "EventScheduled"
        event: dict[str, Any] = {
            "@context": "https://schema.org",
            "@type": "Event",
            "name": conference.name,
            "url": self.url,
            "image": f"{self.url}/card.png",
            "description": self.lead,
            "eventStatus": f"https://schema.org/{status}",
            **{name: moment.astimezone(zone).isoformat() for name, moment in moments.items() if moment},
        }
        if conference.venue:
            event["location"] = {"@type": "Place", "name": conference.venue, "address": conference.venue}
        return {name: value for name, value in event.items() if value}


def page_url(conference_id: str) -> str:
    return f"{settings.PUBLIC_URL}/conf/{conference_id}"


def load_event_page(
    conference: Conference,
    *,
    language: str,
    now: dt.datetime,
    blocks: list[Block] | None = None,
) -> EventPage:
    """Load a page. language: one of the conference's. blocks: show these, not the published ones."""
    zone, ours = conference.time_zone, interface_language(language)
    if blocks is None:
        blocks = load_blocks(conference, language=language)

    def write(moment: dt.datetime | None) -> str:
        return format_moment(moment, zone=zone, language=ours) if moment else ""

    names = dict(settings.LANGUAGES)
    days = ""
    if conference.starts_at:
        days = format_days(conference.starts_at, conference.ends_at, zone=zone, language=ours)
    return EventPage(
        conference=conference,
        language=language,
        languages=[(code, names.get(code, code)) for code in conference.languages if code != language],
        days=days,
        starts=write(conference.starts_at),
        ends=write(conference.ends_at),
        zone=name_zone(zone, language=ours),
        registering=_load_registering(conference, language=ours, now=now),
        questions=[_translate(question, language) for question in read_questions(conference.questions)],
        blocks=show_blocks(conference, blocks, language=ours),
        sky=make_sky(conference.id),
        url=page_url(conference.id),
    )


def _load_registering(conference: Conference, *, language: str, now: dt.datetime) -> Registering:
    opens_at = conference.registration_opens_at
    closes_at = conference.registration_closes_at or conference.ends_at
    capacity = conference.capacity
    taken = count_taken(conference.id) if capacity is not None else 0
    free = max(0, capacity - taken) if capacity is not None else 0
    if conference.cancelled_at is not None:
        phase = Phase.CANCELLED
    elif closes_at is not None and now >= closes_at:
        phase = Phase.CLOSED
    elif opens_at is not None and now < opens_at:
        phase = Phase.SOON
    elif capacity is None or free:
        phase = Phase.OPEN
    else:
        phase = Phase.WAITING if conference.waiting_list else Phase.FULL

    def write(moment: dt.datetime | None) -> str:
        return format_short_moment(moment, zone=conference.time_zone, language=language) if moment else ""

    return Registering(
        phase=phase,
        places=capacity,
        free=free,
        taken_percent=round(100 * min(taken, capacity) / capacity, 1) if capacity else 0,
        opens=write(opens_at),
        closes=write(conference.registration_closes_at),
        needs_approval=conference.approval_required,
        is_over=conference.ends_at is not None and now >= conference.ends_at,
    )


def _translate(question: Question, language: str) -> FormQuestion:
    return FormQuestion(
        key=question.key,
        kind=question.kind,
        label=text_in(question.label, language),
        required=question.required,
        options=[
            FormOption(option.value, text_in(option.label, language) or option.value)
            for option in question.options
        ],
    )
