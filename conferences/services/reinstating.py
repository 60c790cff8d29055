"""Reinstating cancelled registrations: whoever cancels and registers again keeps the same registration."""

from django.contrib.auth.models import User

from conferences.models import Registration
from conferences.services.standing import set_state
from conferences.states import State

# What a person says of themselves. When and how they came stays: figures and credits are frozen at the first
# time (docs/adr/0049).
_SAID_AGAIN = ("name", "phone", "language", "answers", "search_text")


def lock_cancelled(sent: Registration) -> Registration | None:
    """Lock the registration that the person of an unsaved one cancelled last; None if there is none."""
    found = Registration.objects.select_for_update(of=("self",)).filter(
        conference=sent.conference, email=sent.email, state=State.CANCELLED
    )
    return found.order_by("-decided_at", "-id").first()


def reinstate(cancelled: Registration, sent: Registration, *, by: User | None) -> None:
    """Reinstate a locked registration, in the state and with the data of an unsaved one.

    Raises IntegrityError if the person is registered by another one.
    """
    cancelled.conference = sent.conference
    for name in _SAID_AGAIN:
        setattr(cancelled, name, getattr(sent, name))
    cancelled.save(update_fields=_SAID_AGAIN)
    is_silent = sent.source != Registration.Source.FORM
    set_state(cancelled, State(sent.state), by=by, now=sent.registered_at, is_silent=is_silent)
