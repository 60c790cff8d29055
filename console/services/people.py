"""What organizers do to registrations on the console's pages."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from conferences.models import Conference, Registration
from conferences.services.registrations import Registered, decide, register
from conferences.states import Action, State
from meeteasy.core.errors import RefusedError
from notifications.services import outbox

# More are a job.
DECIDED_AT_ONCE = 100


@dataclass
class Decided:
    """The outcome of decisions. refused: a message for each registration that could not be decided."""

    count: int = 0
    refused: list[str] = field(default_factory=list)


def decide_each(conference: Conference, ids: Sequence[str], action: Action, *, by: User) -> Decided:
    """Decide about up to DECIDED_AT_ONCE registrations of a conference, each for itself."""
    found = Registration.objects.filter(conference=conference, id__in=list(ids)[:DECIDED_AT_ONCE])
    outcome = Decided()
    for registration_id, name in found.values_list("id", "name"):
        try:
            decide(registration_id, action, by=by)
            outcome.count += 1
        except RefusedError as error:
            outcome.refused.append(f"{name}: {error.message}")
    return outcome


@transaction.atomic
def add_person(conference: Conference, *, by: User, sends_mail: bool, **fields: Any) -> Registered:
    """Register a person by hand, approved, whatever the opening times and the capacity are.

    Reinstates the registration of a person who cancelled.

    sends_mail: whether they get the confirmation. Raises ValidationError with the names of the bad fields.
    """
    outcome = register(
        conference=conference, source=Registration.Source.IMPORT, state=State.APPROVED, by=by, **fields
    )
    if outcome.created and sends_mail:
        outbox.notify_of_change(outcome.registration, previous=None)
    return outcome
