"""The state machine of a registration: the one place that says which state may follow which."""

from enum import StrEnum

from django.utils.translation import gettext_lazy as _

from conferences.models import Registration

State = Registration.State


class Action(StrEnum):
    APPROVE = "approve"
    REJECT = "reject"
    CANCEL = "cancel"


# action: (the states that it is allowed in, the state that it leads to). An action in the state that it
# leads to changes nothing. A rejection can be taken back; a cancelled registration stays cancelled, and its
# person can register again. An organizer can approve somebody on the waiting list whatever the capacity.
TRANSITIONS: dict[Action, tuple[frozenset[State], State]] = {
    Action.APPROVE: (frozenset({State.WAITING, State.PENDING, State.REJECTED}), State.APPROVED),
    Action.REJECT: (frozenset({State.WAITING, State.PENDING}), State.REJECTED),
    Action.CANCEL: (frozenset({State.WAITING, State.PENDING, State.APPROVED}), State.CANCELLED),
}


# What an organizer is told of the rest.
REFUSALS = {
    (State.CANCELLED, Action.APPROVE): _("A cancelled registration cannot be approved."),
    (State.APPROVED, Action.REJECT): _("An approved registration cannot be rejected."),
    (State.CANCELLED, Action.REJECT): _("A cancelled registration cannot be rejected."),
    (State.REJECTED, Action.CANCEL): _("A rejected registration cannot be cancelled."),
}


def first_state(*, approval_required: bool) -> State:
    """The state of a registration that has a place."""
    return State.PENDING if approval_required else State.APPROVED


def next_state(state: State, action: Action) -> State | None:
    """Where `action` leads from `state`; None where it is not allowed."""
    allowed, target = TRANSITIONS[action]
    return target if state in allowed or state == target else None
