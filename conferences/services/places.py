"""Places at a conference: when registration is open, the capacity, and who gets a free place."""

import datetime as dt

from django.db import transaction
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from conferences.models import Conference, Registration
from conferences.selectors.registrations import count_taken
from conferences.services.standing import set_state
from conferences.states import State, first_state
from meeteasy.core.errors import RefusedError

_PROMOTED_AT_ONCE = 200


def check_open(conference: Conference, *, now: dt.datetime) -> None:
    """Raise RefusedError unless people can register now.

    Its codes: `conference_cancelled`, `registration_not_open` yet (with `opens_at`), `registration_closed`.
    """
    if conference.cancelled_at is not None:
        raise RefusedError(
            "conference_cancelled",
            _("This conference is cancelled."),
            status=403,
            cancelled_at=conference.cancelled_at.isoformat(),
        )
    opens_at = conference.registration_opens_at
    if opens_at is not None and now < opens_at:
        raise RefusedError(
            "registration_not_open",
            _("Registration is not open yet."),
            status=403,
            opens_at=opens_at.isoformat(),
        )
    closes_at = conference.registration_closes_at or conference.ends_at
    if closes_at is not None and now >= closes_at:
        raise RefusedError("registration_closed", _("Registration is closed."), status=403)


def state_for_new(conference: Conference) -> State:
    """Return the state of a new registration. Raises RefusedError `full` if there is no waiting list.

    Call it in the transaction that stores the registration: the lock serialises requests for the last place.
    """
    if conference.capacity is None:
        return first_state(approval_required=conference.approval_required)
    conference = _lock(conference.id)
    if _free_places(conference) > 0:
        return first_state(approval_required=conference.approval_required)
    if conference.waiting_list:
        return State.WAITING
    raise RefusedError("full", _("All places are taken."))


def promote_waiting(conference_id: str, *, now: dt.datetime) -> int:
    """Give free places to the people who have waited longest. Returns the number of people.

    It handles at most 200; the next tick continues. There are no promotions after the conference's
    end, or while it is cancelled.
    """
    with transaction.atomic():
        conference = _lock(conference_id)
        if conference.cancelled_at is not None:
            return 0
        if conference.ends_at is not None and conference.ends_at <= now:
            return 0
        free = min(_free_places(conference), _PROMOTED_AT_ONCE)
        if free <= 0:
            return 0
        waiting = Registration.objects.select_for_update(skip_locked=True, of=("self",)).filter(
            conference=conference, state=State.WAITING
        )
        # Whoever cancelled and came back has waited since then.
        since = Coalesce("decided_at", "registered_at")
        promoted = list(waiting.order_by(since, "id")[:free])
        for registration in promoted:
            registration.conference = conference
            target = first_state(approval_required=conference.approval_required)
            set_state(registration, target, by=None, now=now)
    return len(promoted)


def promote_everywhere(*, now: dt.datetime) -> int:
    """Give away places that are still free, e.g. after a crash or when thousands of places were added."""
    waiting = Registration.objects.filter(state=State.WAITING)
    conference_ids = waiting.order_by().values_list("conference_id", flat=True).distinct()
    return sum(promote_waiting(conference_id, now=now) for conference_id in list(conference_ids))


def lock_places_of(registration_id: str) -> None:
    """Lock the conference of a registration that may free a place, before the registration itself.

    Whoever registers locks the conference first and may then wait for the registration with the same address;
    in the other order, each would wait for the other.
    """
    limited = Conference.objects.filter(registrations=registration_id, capacity__isnull=False)
    limited.select_for_update(no_key=True, of=("self",)).values_list("id").first()


def _lock(conference_id: str) -> Conference:
    # NO KEY lets other transactions store rows that refer to the conference.
    return Conference.objects.select_for_update(no_key=True).get(id=conference_id)


def _free_places(conference: Conference) -> int:
    if conference.capacity is None:
        return 2**31
    return conference.capacity - count_taken(conference.id)
