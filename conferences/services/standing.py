"""Setting the state of a registration, and whether it stands."""

import datetime as dt

from django.contrib.auth.models import User

from conferences import signals
from conferences.models import Registration, StateChange
from conferences.services.announce import after_commit
from conferences.states import State


def set_state(
    registration: Registration, state: State, *, by: User | None, now: dt.datetime, is_silent: bool = False
) -> None:
    """Set a state and apply its consequences, in the caller's transaction.

    is_silent: the person gets no mail about it.
    """
    previous = State(registration.state)
    stood = registration.stands
    registration.state = state
    registration.decided_at = now
    registration.decided_by = by
    changed = ["state", "decided_at", "decided_by"]
    if registration.stands != stood:
        note_standing(registration, now=now)
        changed += ["standing_version", "standing_changed_at"]
    registration.save(update_fields=changed)
    StateChange.objects.create(registration=registration, state=state, changed_at=now, changed_by=by)
    signals.registration_changing.send(
        sender=Registration, registration=registration, previous_state=previous, is_silent=is_silent
    )
    after_commit(
        signals.registration_state_changed, Registration, registration=registration, previous_state=previous
    )


def note_standing(registration: Registration, *, now: dt.datetime) -> None:
    """Record a change of standing on the registration. The caller saves it."""
    registration.standing_version += 1
    registration.standing_changed_at = now
    after_commit(signals.standing_changed, Registration, registration=registration)
