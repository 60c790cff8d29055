"""Registering, and deciding about registrations."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from conferences import contact, signals
from conferences.decoration import FieldWarning, tidy
from conferences.models import Conference, Registration, RegistrationReceipt
from conferences.questions import check_answers, read_questions
from conferences.services.announce import after_commit
from conferences.services.places import check_open, lock_places_of, promote_waiting, state_for_new
from conferences.services.reinstating import lock_cancelled, reinstate
from conferences.services.standing import set_state
from conferences.states import REFUSALS, Action, State, first_state, next_state
from meeteasy.core.errors import RefusedError
from meeteasy.core.folding import fold

Source = Registration.Source


@dataclass(frozen=True)
class Registered:
    """The outcome of `register`.

    created: False if the person was already registered; nothing was changed then. True for a new person and
        for one whose cancelled registration was reinstated.
    state: the state of a new registration. The public form always shows this one.
    receipt: a public token for the registration, whose id would reveal who is already registered. It is
        empty except for the public form.
    warnings: what was left out or changed in the language, form id, visitor id, share code and answers.
    """

    registration: Registration
    created: bool
    state: State
    receipt: str = ""
    warnings: list[FieldWarning] = field(default_factory=list)


def register(
    *,
    conference: Conference,
    name: Any,
    email: Any,
    phone: Any = "",
    language: Any = "",
    form_id: Any = "default",
    answers: Any = None,
    visitor_id: Any = "",
    share_code: Any = "",
    source: Registration.Source = Source.FORM,
    state: State | None = None,
    by: User | None = None,
    now: dt.datetime | None = None,
) -> Registered:
    """Register a person. Their mail address identifies them within the conference.

    If the person is already registered, the registration does not change, whatever the new request says: the
    address does not prove who sent it. Two simultaneous requests make one registration. A cancelled
    registration is reinstated, as if it were new (services/reinstating.py); by: who does that.

    Opening times, capacity and required questions limit the public form, not organizers. state: what
    organizers give a person; the public form takes none. Raises ValidationError with the names of the bad
    fields (name, email, phone, `answers.<key>`), and RefusedError: `conference_cancelled`,
    `registration_not_open`, `registration_closed` or `full`.
    """
    now = now or timezone.now()
    if source == Source.FORM:
        check_open(conference, now=now)
        answers = _check_answers(conference, answers, name=name, email=email, phone=phone)
    registration, warnings = build_registration(
        conference=conference, name=name, email=email, phone=phone, language=language, form_id=form_id,
        answers=answers, visitor_id=visitor_id, share_code=share_code, source=source, state=state, now=now,
    )  # fmt: skip
    try:
        stored, receipt = _create(registration, by=by)
    except IntegrityError:  # from the constraint `one_registration_per_mail`
        known = find_registered(conference, registration.email)
        if known is None:
            raise
        receipt = _repeat(known, registration)
        return Registered(known, False, State(registration.state), receipt, warnings)
    return Registered(stored, True, State(registration.state), receipt, warnings)


def _check_answers(conference: Conference, answers: Any, **person: Any) -> Any:
    """Return the answers as `check_answers` does. ValidationErrors also name bad personal data."""
    try:
        return check_answers(read_questions(conference.questions), answers)
    except ValidationError as error:
        errors = error.error_dict
    try:
        clean_person(conference=conference, **person)
    except ValidationError as error:
        errors = {**error.error_dict, **errors}
    raise ValidationError(errors)


def build_registration(
    *,
    conference: Conference,
    name: Any,
    email: Any,
    phone: Any,
    source: Registration.Source,
    now: dt.datetime,
    state: State | None = None,
    **decoration: Any,
) -> tuple[Registration, list[FieldWarning]]:
    """Build an unsaved registration. Returns it with the warnings about its optional data (`tidy`).

    state: None for the state that the conference's settings give to a person with a place. Raises
    ValidationError with the names of the bad fields.
    """
    fields = clean_person(conference=conference, name=name, email=email, phone=phone)
    tidied, warnings = tidy(conference, **decoration)
    registration = Registration(
        conference=conference,
        source=source,
        state=state or first_state(approval_required=conference.approval_required),
        registered_at=now,
        search_text=make_search_text(**fields),
        **fields,
        **tidied,
    )
    _begin_standing(registration)
    return registration, warnings


def _begin_standing(registration: Registration) -> None:
    """Record a first change of standing for a registration that does not stand from the beginning."""
    if not registration.stands:
        registration.standing_version = 1
        registration.standing_changed_at = registration.registered_at


@transaction.atomic
def _create(registration: Registration, *, by: User | None) -> tuple[Registration, str]:
    """Store a new registration, or reinstate its person's cancelled one. Returns it, and a receipt.

    Raises IntegrityError if its person is already registered, and RefusedError `full`.
    """
    if registration.source == Source.FORM:
        registration.state = state_for_new(registration.conference)
        _begin_standing(registration)
    if cancelled := lock_cancelled(registration):
        reinstate(cancelled, registration, by=by)
        return cancelled, _make_receipt(cancelled, registration)
    registration.save(force_insert=True)
    receipt = _make_receipt(registration, registration)
    signals.registration_changing.send(
        sender=Registration, registration=registration, previous_state=None,
        is_silent=registration.source != Source.FORM,
    )  # fmt: skip
    after_commit(signals.registration_created, Registration, registration=registration)
    if not registration.stands:
        after_commit(signals.standing_changed, Registration, registration=registration)
    return registration, receipt


@transaction.atomic
def _repeat(known: Registration, sent: Registration) -> str:
    """Return a receipt for a person who is already registered, just as for a new registration."""
    known.conference = sent.conference
    receipt = _make_receipt(known, sent)
    if receipt:
        signals.registration_repeated.send(sender=Registration, registration=known, now=sent.registered_at)
    return receipt


def _make_receipt(registration: Registration, sent: Registration) -> str:
    if sent.source != Source.FORM:
        return ""
    made = RegistrationReceipt(registration=registration, created_at=sent.registered_at)
    made.save(force_insert=True)
    return made.receipt


def find_registered(conference: Conference, email: str) -> Registration | None:
    """Return the uncancelled registration of a mail address (from `clean_email`), or None."""
    found = Registration.objects.filter(conference=conference, email=email)
    return found.exclude(state=State.CANCELLED).first()


def make_search_text(*, name: str, email: str, phone: str) -> str:
    return fold(f"{name}\n{email}\n{phone}")


def clean_person(*, conference: Conference, name: Any, email: Any, phone: Any) -> dict[str, str]:
    """Return name, address and number in stored form. Raises ValidationError that names all bad ones."""
    cleaners: dict[str, Callable[[], str]] = {
        "name": lambda: contact.clean_name(contact.read_text(name)),
        "email": lambda: contact.clean_email(contact.read_text(email)),
        "phone": lambda: contact.clean_phone(contact.read_text(phone), region=conference.phone_region),
    }
    cleaned: dict[str, str] = {}
    errors: dict[str, ValidationError] = {}
    for name_of_field, clean in cleaners.items():
        try:
            cleaned[name_of_field] = clean()
        except ValidationError as error:
            errors[name_of_field] = error
    if errors:
        raise ValidationError(errors)
    return cleaned


def decide(
    registration_id: str,
    action: Action,
    *,
    by: User | None,
    now: dt.datetime | None = None,
) -> Registration:
    """Approve, reject or cancel a registration. Repeating an action changes nothing.

    A freed place goes to the waiting list. by: who decides; None for the attendee or the system. Raises
    RefusedError: `wrong_state` if the state machine does not allow the action, `checked_in` if it would
    cancel an attendee who is checked in.
    """
    now = now or timezone.now()
    with transaction.atomic():
        if action != Action.APPROVE:
            lock_places_of(registration_id)
        # A check-in takes the same lock, so it happens before or after the decision, never in between.
        registration = (
            Registration.objects.select_for_update(of=("self",))
            .select_related("conference")
            .get(id=registration_id)
        )
        previous = State(registration.state)
        target = next_state(previous, action)
        if target is None:
            raise RefusedError("wrong_state", str(REFUSALS[previous, action]), state=previous.value)
        if target == previous:
            return registration
        if target == State.CANCELLED and registration.check_ins.filter(undone_at=None).exists():
            raise RefusedError("checked_in", _("This attendee is checked in; undo the check-in first."))
        stood = registration.stands
        set_state(registration, target, by=by, now=now)
        if stood and not registration.stands and registration.conference.capacity is not None:
            promote_waiting(registration.conference_id, now=now)
    return registration
