"""Registering, and deciding about registrations."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from conferences import contact, signals
from conferences.models import Conference, Registration, RegistrationReceipt
from conferences.services.announce import after_commit
from conferences.states import TRANSITIONS, Action, State, first_state, next_state
from meeteasy.core.errors import RefusedError


@dataclass(frozen=True)
class Registered:
    """What became of a registration that was sent in.

    created: False where this person was registered already, and nothing was changed.
    state: the one that a new registration gets. The public is shown this one, whoever was registered before.
    receipt: stands for the registration outside, where its id would tell who is registered already; only for
        the public form, else empty.
    """

    registration: Registration
    created: bool
    state: State
    receipt: str = ""


def register(
    *,
    conference: Conference,
    name: str,
    email: str,
    phone: str = "",
    language: str = "",
    form_id: str = "default",
    answers: dict[str, Any] | None = None,
    visitor_id: str = "",
    share_code: str = "",
    source: Registration.Source = Registration.Source.FORM,
    now: dt.datetime | None = None,
) -> Registered:
    """Register a person, whom their mail address identifies within the conference.

    A person who is registered already keeps that registration as it is, whatever else is given this time:
    the address proves nothing about who sends it. Two requests at once make one registration. Raises
    ValidationError with the names of the bad fields.
    """
    fields = clean_fields(
        conference=conference, name=name, email=email, phone=phone, language=language, form_id=form_id,
        answers=answers or {}, visitor_id=visitor_id, share_code=share_code,
    )  # fmt: skip
    registration = Registration(
        conference=conference,
        state=first_state(approval_required=conference.approval_required),
        source=source,
        created_at=now or timezone.now(),
        **fields,
    )
    try:
        return _create(registration)
    except IntegrityError:  # of the constraint `one_registration_per_mail`
        known = find_standing(conference, registration.email)
        if known is None:
            raise
        return _repeat(known, registration)


@transaction.atomic
def _create(registration: Registration) -> Registered:
    """Store a new registration. Raises IntegrityError where its person is registered already."""
    registration.save(force_insert=True)
    receipt = _make_receipt(registration, registration)
    signals.registration_changing.send(sender=Registration, registration=registration, previous_state=None)
    after_commit(signals.registration_created, Registration, registration=registration)
    return Registered(registration, created=True, state=State(registration.state), receipt=receipt)


@transaction.atomic
def _repeat(known: Registration, sent: Registration) -> Registered:
    """Answer `sent`, whose person is registered already, with what a new registration is answered."""
    known.conference = sent.conference
    receipt = _make_receipt(known, sent)
    if receipt:
        signals.registration_repeated.send(sender=Registration, registration=known, now=sent.created_at)
    return Registered(known, created=False, state=State(sent.state), receipt=receipt)


def _make_receipt(registration: Registration, sent: Registration) -> str:
    if sent.source != Registration.Source.FORM:
        return ""
    made = RegistrationReceipt(registration=registration, created_at=sent.created_at)
    made.save(force_insert=True)
    return made.receipt


def find_standing(conference: Conference, email: str) -> Registration | None:
    """The registration of a mail address, as `clean_fields` gives it, that was not cancelled."""
    found = Registration.objects.filter(conference=conference, email=email)
    return found.exclude(state=State.CANCELLED).first()


def clean_fields(
    *,
    conference: Conference,
    name: str,
    email: str,
    phone: str,
    language: str,
    form_id: str,
    answers: dict[str, Any],
    visitor_id: str,
    share_code: str,
) -> dict[str, Any]:
    """The fields of a registration as they are stored. Raises ValidationError that names every bad one."""
    cleaners: dict[str, Callable[[], Any]] = {
        "name": lambda: contact.clean_line(name, most=contact.MAX_NAME, required=True),
        "email": lambda: contact.clean_email(email),
        "phone": lambda: contact.clean_phone(phone, region=conference.phone_region),
        "language": lambda: contact.pick_language(conference, contact.clean_line(language, most=35)),
        "form_id": lambda: contact.clean_line(form_id, most=contact.MAX_ID) or "default",
        "answers": lambda: contact.clean_answers(answers),
        "visitor_id": lambda: contact.clean_line(visitor_id, most=contact.MAX_ID),
        "share_code": lambda: contact.clean_line(share_code, most=contact.MAX_ID),
    }
    cleaned: dict[str, Any] = {}
    errors: dict[str, ValidationError] = {}
    for field, clean in cleaners.items():
        try:
            cleaned[field] = clean()
        except ValidationError as error:
            errors[field] = error
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
    """Approve, reject or cancel a registration; an action that was done already changes nothing.

    by: who decides; None for the attendee or the system. Raises RefusedError: `wrong_state` where the
    state machine does not allow it, `checked_in` for cancelling someone who is through the door.
    """
    with transaction.atomic():
        # The lock makes a check-in, which takes it too, come before or after, never in between.
        registration = (
            Registration.objects.select_for_update(of=("self",))
            .select_related("conference")
            .get(id=registration_id)
        )
        previous = State(registration.state)
        target = next_state(previous, action)
        if target is None:
            raise RefusedError(
                "wrong_state",
                f"A registration that is {previous.value} cannot be {TRANSITIONS[action][1].value}.",
                state=previous.value,
            )
        if target == previous:
            return registration
        if target == State.CANCELLED and registration.check_ins.filter(undone_at=None).exists():
            raise RefusedError("checked_in", "This attendee is checked in; undo the check-in first.")
        now = now or timezone.now()
        stood = registration.stands
        registration.state = target
        registration.decided_at = now
        registration.decided_by = by
        changed = ["state", "decided_at", "decided_by"]
        if registration.stands != stood:
            registration.standing_version += 1
            registration.standing_changed_at = now
            changed += ["standing_version", "standing_changed_at"]
            after_commit(signals.standing_changed, Registration, registration=registration)
        registration.save(update_fields=changed)
        signals.registration_changing.send(
            sender=Registration, registration=registration, previous_state=previous
        )
        after_commit(
            signals.registration_state_changed,
            Registration,
            registration=registration,
            previous_state=previous,
        )
    return registration
