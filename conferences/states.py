"""The state machine of a registration: the one place that says which state may follow which."""

from enum import StrEnum

from conferences.models import Registration

State = Registration.State


class Action(StrEnum):
    APPROVE = "approve"
    REJECT = "reject"
    CANCEL = "cancel"


# action: (the states that it is allowed in, the state that it leads to). An action in the state that it
# leads to changes nothing. A rejection may be taken back; a cancelled registration stays cancelled, and
# its person may register anew.
TRANSITIONS: dict[Action, tuple[frozenset[State], State]] = {
    Action.APPROVE: (frozenset({State.PENDING, State.REJECTED}), State.APPROVED),
    Action.REJECT: (frozenset({State.PENDING}), State.REJECTED),
    Action.CANCEL: (frozenset({State.PENDING, State.APPROVED}), State.CANCELLED),
}


def first_state(*, approval_required: bool) -> State:
    """The state that a registration begins in."""
    return State.PENDING if approval_required else State.APPROVED


def next_state(state: State, action: Action) -> State | None:
    """Where `action` leads from `state`; None where it is not allowed."""
    allowed, target = TRANSITIONS[action]
    return target if state in allowed or state == target else None
