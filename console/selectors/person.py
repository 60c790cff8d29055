"""Everything about one person: the path by which they came, whom they brought, their answers and history."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from conferences.models import CheckIn, Conference, Registration
from conferences.questions import Kind, Question, read_questions, text_in
from console.selectors.people import Person, name_sharers
from console.selectors.people_list import count_brought
from console.selectors.share_rows import describe
from sharing.derivation.facts import known_as
from sharing.models import ShareConversion, ShareLink, Void
from sharing.rules.codes import code_of
from sharing.selectors.tree import get_path

BROUGHT_SHOWN = 20
_PATH_SHOWN = 20
_CHANGES_SHOWN = 100
_LINKS_READ = 100


@dataclass(frozen=True)
class Step:
    """A link on somebody's way to the form: whose it was, and where it was shared."""

    person: Person
    code: str
    channel: str


@dataclass(frozen=True)
class Moment:
    """An entry of a history. by: who did it; "" if nobody in particular."""

    at: dt.datetime
    text: str
    note: str = ""
    by: str = ""


@dataclass(frozen=True)
class Answer:
    label: str
    value: str


def read_way(registration: Registration) -> list[Step]:
    """Return the links by which a person came, the first one first; none if they came by themselves."""
    conference = registration.conference
    key = f"{conference.id}/{registration.id}"
    conversion = ShareConversion.objects.filter(pk=key).select_related("nearest").first()
    if conversion is None:
        return []
    path = get_path(conversion.nearest, limit=_PATH_SHOWN)
    people = name_sharers(conference, [link.sharer for link in path])
    described = [(link, describe(link, people)) for link in path]
    return [Step(found["person"], link.code, found["channel"]) for link, found in described]


def read_brought_by(registration: Registration) -> dict[str, Any]:
    """Return whom a person brought: `total`, `direct`, the latest direct `rows`, and their own `code`."""
    conference, visitor = registration.conference, registration.visitor_id
    if not visitor:
        return {"total": 0, "direct": 0, "rows": [], "code": ""}
    total, direct = count_brought(conference, [visitor]).get(visitor, (0, 0))
    links = ShareLink.objects.filter(
        conference_id=conference.id, sharer=known_as(visitor), shared_ms__isnull=False
    ).order_by("-subtree_conversions", "id")[:_LINKS_READ]  # fmt: skip
    keys = list(links.values_list("id", flat=True))
    rows = read_brought(conference, keys, limit=BROUGHT_SHOWN) if direct else []
    return {"total": total, "direct": direct, "rows": rows, "code": code_of(keys[0]) if keys else ""}


def read_brought(conference: Conference, link_keys: Sequence[str], *, limit: int) -> list[dict[str, Any]]:
    """Return the latest registrations that links brought directly: `id`, `at`, and where known `person`."""
    conversions = list(
        ShareConversion.objects.filter(nearest__in=link_keys)
        .order_by("-registered_ms", "-registration_id")
        .values_list("registration_id", "registered_ms")[:limit]
    )
    ids = [key.partition("/")[2] for key, _ms in conversions]
    people = Registration.objects.filter(conference=conference).in_bulk(ids)
    return [
        {"id": key, "person": people.get(key), "at": dt.datetime.fromtimestamp(ms / 1000, dt.UTC)}
        for key, (_key, ms) in zip(ids, conversions, strict=True)
    ]


def read_history(registration: Registration, check_ins: Sequence[CheckIn]) -> list[Moment]:
    """Return what is known to have happened to a registration, the latest first.

    check_ins: those of the registration, undone ones included, with their users. Of changes of state before
    1.0.0 only the last is known.
    """
    source = (
        _("added by an organizer")
        if registration.source == Registration.Source.IMPORT
        else _("on the form")
    )  # fmt: skip
    found = [Moment(registration.registered_at, _("Registered"), source)]
    found += _read_changes(registration)
    for item in check_ins:
        who = item.checked_in_by.get_username() if item.checked_in_by else ""
        found.append(Moment(item.checked_in_at, _("Checked in"), item.gate, who))
        if item.undone_at is not None:
            who = item.undone_by.get_username() if item.undone_by else ""
            found.append(Moment(item.undone_at, _("Check-in undone"), by=who))
    for void in Void.objects.filter(
        conference_id=registration.conference_id, kind=Void.Kind.REGISTRATION, key=registration.id
    )[:_PATH_SHOWN]:
        found.append(Moment(void.voided_at, _("Taken out of the figures"), void.reason, void.voided_by))
        if void.undone_at is not None:
            found.append(Moment(void.undone_at, _("Counts again"), by=void.undone_by))
    return sorted(found, key=lambda moment: moment.at, reverse=True)


def _read_changes(registration: Registration) -> list[Moment]:
    changes = [
        (change.changed_at, change.get_state_display(), change.changed_by)
        for change in registration.state_changes.select_related("changed_by")[:_CHANGES_SHOWN]
    ]
    if not changes and registration.decided_at is not None:
        changes = [(registration.decided_at, registration.get_state_display(), registration.decided_by)]
    return [
        Moment(at, str(state)[:1].upper() + str(state)[1:], by=by.get_username() if by else "")
        for at, state, by in changes
    ]


def is_void(registration: Registration) -> bool:
    """Whether an organizer took the registration out of the figures."""
    return Void.objects.filter(
        conference_id=registration.conference_id, kind=Void.Kind.REGISTRATION, key=registration.id,
        undone_at=None,
    ).exists()  # fmt: skip


def read_answers(registration: Registration, language: str) -> list[Answer]:
    """Return the answers in a language: those to the conference's questions in order, then the others."""
    given = dict(registration.answers)
    found = []
    for question in read_questions(registration.conference.questions):
        value = given.pop(question.key, None)
        found.append(Answer(text_in(question.label, language), _show(question, value, language)))
    return found + [Answer(name, _show_plain(value)) for name, value in given.items()]


def _show(question: Question, value: Any, language: str) -> str:
    if value is None or value == "" or value == []:
        return ""
    labels = {option.value: text_in(option.label, language) or option.value for option in question.options}
    if question.kind == Kind.SEVERAL and isinstance(value, list):
        return ", ".join(labels.get(str(item), str(item)) for item in value)
    if question.kind == Kind.CHOICE:
        return labels.get(str(value), str(value))
    return _show_plain(value)


def _show_plain(value: Any) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, list):
        return ", ".join(map(_show_plain, value))
    return "" if value is None else str(value)
