"""The state machine of a registration."""

from enum import StrEnum

from django.utils.translation import gettext_lazy as _

from conferences.models import Registration

State = Registration.State


class Action(StrEnum):
    APPROVE = "approve"
    REJECT = "reject"
    CANCEL = "cancel"


# action: (the states in which it is allowed, the state it leads to). An action in the state that it leads to
# changes nothing. A rejection can be reversed. No decision brings a cancelled registration back, but its
# person can register again (services/reinstating.py). An organizer can approve a person on the waiting list
# regardless of the capacity.
TRANSITIONS: dict[Action, tuple[frozenset[State], State]] = {
    Action.APPROVE: (frozenset({State.WAITING, State.PENDING, State.REJECTED}), State.APPROVED),
    Action.REJECT: (frozenset({State.WAITING, State.PENDING}), State.REJECTED),
    Action.CANCEL: (frozenset({State.WAITING, State.PENDING, State.APPROVED}), State.CANCELLED),
}


# The messages for all other combinations.
REFUSALS = {
    (State.CANCELLED, Action.APPROVE): _("A cancelled registration cannot be approved."),
    (State.APPROVED, Action.REJECT): _("An approved registration cannot be rejected."),
    (State.CANCELLED, Action.REJECT): _("A cancelled registration cannot be rejected."),
    (State.REJECTED, Action.CANCEL): _("A rejected registration cannot be cancelled."),
}


def first_state(*, approval_required: bool) -> State:
    """Return the first state of a registration that has a place."""
    return State.PENDING if approval_required else State.APPROVED


def next_state(state: State, action: Action) -> State | None:
    """Return the state after `action` in `state`, or None if the action is not allowed."""
    allowed, target = TRANSITIONS[action]
    return target if state in allowed or state == target else None
