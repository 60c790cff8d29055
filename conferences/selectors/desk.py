"""Queries for the desk: who is inside, what each gate counted, and the list for devices without network."""

import datetime as dt
import zoneinfo
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from conferences.badges import make_digests
from conferences.models import CheckIn, Conference, DeskSettings, Passage, Registration
from conferences.questions import Question, read_questions, text_in

IN = Passage.Direction.IN


@dataclass
class DoorCounts:
    """Counts of a conference's door, of today in its zone unless said otherwise.

    inside: who came in and did not go out since. present: distinct attendees who came in. checked_in: those
    who ever came in. expected: approved registrations. gates: entries by gate, each entry once, however often
    it was scanned. last_hour: entries at all gates.
    """

    checked_in: int
    expected: int
    inside: int = 0
    present: int = 0
    last_hour: int = 0
    gates: dict[str, int] = field(default_factory=dict)


def get_settings(conference: Conference) -> DeskSettings:
    """Return the settings of a conference's desk, unsaved if they are the defaults."""
    return DeskSettings.objects.filter(pk=conference.pk).first() or DeskSettings(conference=conference)


def count_door(conference: Conference, *, now: dt.datetime) -> DoorCounts:
    """Count in three queries; the passages of a day are read in their order, some 20 µs an attendee."""
    registrations = Registration.objects.filter(conference=conference)
    active = CheckIn.objects.filter(registration__conference=conference, undone_at=None)
    counts = DoorCounts(
        checked_in=active.count(),
        expected=registrations.filter(state=Registration.State.APPROVED).count(),
    )
    for _registration_id, passages in groupby(_passages_of_day(conference, now=now), key=lambda row: row[0]):
        is_inside = came = False
        for _, direction, gate, passed_at in passages:
            if direction == IN and not is_inside:
                came = True
                counts.gates[gate] = counts.gates.get(gate, 0) + 1
                counts.last_hour += passed_at > now - dt.timedelta(hours=1)
            is_inside = direction == IN
        counts.inside += is_inside
        counts.present += came
    return counts


def find_inside(conference: Conference, *, now: dt.datetime) -> set[str]:
    """Return the ids of the registrations whose attendees are inside."""
    last = {row[0]: row[1] for row in _passages_of_day(conference, now=now)}
    return {registration_id for registration_id, direction in last.items() if direction == IN}


def _passages_of_day(conference: Conference, *, now: dt.datetime) -> list[Any]:
    local = now.astimezone(zoneinfo.ZoneInfo(conference.time_zone))
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    rows = Passage.objects.filter(
        registration__conference=conference, undone_at=None, passed_at__gte=midnight, passed_at__lte=now
    )
    return list(
        rows.order_by("registration_id", "passed_at", "id")
        .values_list("registration_id", "direction", "gate", "passed_at")
    )  # fmt: skip


def make_list(conference: Conference, *, now: dt.datetime, language: str) -> dict[str, Any]:
    """Return the list by which a device without network recognises badges.

    `codes`: by state (`inside` for approved ones who are inside), the digests of codes (`make_digests`)
    without anything between them: 16 bytes an attendee. `people`: if the owner allows names on devices,
    `[digest, id, name, answers]` of each attendee, else null. `at`: when it was made.
    """
    settings = get_settings(conference)
    inside = find_inside(conference, now=now)
    rows = Registration.objects.filter(conference=conference).order_by("id")
    codes: dict[str, list[str]] = {}
    people: list[Any] = []
    if settings.names_offline:
        shown = choose_questions(conference, settings)
        registrations = list(rows.only("id", "state", "name", "answers"))
        keys = [(row.id, row.state) for row in registrations]
    else:
        keys = list(rows.values_list("id", "state"))
    digests = list(make_digests(key for key, _state in keys))
    for digest, (key, state) in zip(digests, keys, strict=True):
        codes.setdefault("inside" if key in inside else str(state), []).append(digest)
    if settings.names_offline:
        people = [
            [digest, row.id, row.name, show_answers(row, shown, language=language)]
            for digest, row in zip(digests, registrations, strict=True)
        ]
    return {
        "at": now.isoformat(),
        "codes": {state: "".join(found) for state, found in codes.items()},
        "people": people if settings.names_offline else None,
    }


def choose_questions(conference: Conference, settings: DeskSettings) -> list[Question]:
    """Return the questions whose answers the desk shows."""
    wanted = set(settings.shown_questions)
    return [item for item in read_questions(conference.questions) if item.key in wanted]


def show_answers(registration: Registration, questions: list[Question], *, language: str) -> list[str]:
    """Return the answers to the questions as texts: the labels of options; a consent by its question's."""
    shown = []
    for question in questions:
        answer = registration.answers.get(question.key)
        labels = {item.value: text_in(item.label, language) or item.value for item in question.options}
        if answer is True:
            shown.append(text_in(question.label, language))
        elif isinstance(answer, list):
            shown.append(", ".join(labels.get(str(value), str(value)) for value in answer))
        elif answer not in (None, "", False):
            shown.append(f"{text_in(question.label, language)}: {labels.get(str(answer), str(answer))}")
    return [text[:100] for text in shown]
