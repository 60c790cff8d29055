"""Void registrations, links and sharers, and undo it. An organizer decides, and every decision is kept.

A voided registration counts nowhere; an event also notifies analytics. A voided link gets no credits and is
not counted as a share of its day; the same holds for each link of a voided sharer. The links above it keep
their credits.
"""

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.db.models import Max, QuerySet
from django.utils import timezone

from analytics import own_events
from analytics.events.rows import EventRow
from conferences.models import Conference, Registration
from meeteasy.core.errors import RefusedError
from sharing.derivation import deriving
from sharing.derivation.locks import lock_conferences
from sharing.models import ShareLink, ShareRegistration, Void
from sharing.rules.codes import code_of, keys_of

_LINKS_AT_ONCE = 200


def check(conference: Conference, *, kind: str, key: str) -> str:
    """The stored key of the thing to void. Raises RefusedError: `not_found`, `already_void`."""
    key = _find(conference, kind, key)
    if _decisions(conference, kind, key).filter(undone_at__isnull=True).exists():
        raise RefusedError("already_void", "It is void already.")
    return key


def void(conference: Conference, *, kind: str, key: str, reason: str, by: AbstractBaseUser) -> Void:
    """Void a registration, a link or a sharer. Raises RefusedError: `not_found`, `already_void`.

    key: a registration's id, a link's code (signed or not), or a sharer's id in the tree.
    """
    now = timezone.now()
    with transaction.atomic():
        lock_conferences([conference.id])
        key = check(conference, kind=kind, key=key)
        last = _decisions(conference, kind, key).aggregate(last=Max("version"))["last"]
        decision = Void.objects.create(
            conference_id=conference.id, kind=kind, key=key, reason=reason, voided_by=by.get_username(),
            voided_at=now, version=(last or 0) + 1, changed_at=now,
        )  # fmt: skip
        transaction.on_commit(lambda: _apply(decision))
    return decision


def undo_void(conference: Conference, *, kind: str, key: str, by: AbstractBaseUser) -> Void:
    """Undo a void, so that its target counts again. Raises RefusedError: `not_void`."""
    now = timezone.now()
    with transaction.atomic():
        lock_conferences([conference.id])
        keys = [code_of(item) for item in keys_of(conference.id, key)] if kind == Void.Kind.LINK else [key]
        decision = Void.objects.filter(
            conference_id=conference.id, kind=kind, key__in=keys, undone_at__isnull=True
        ).first()
        if decision is None:
            raise RefusedError("not_void", "It is not void.", status=404)
        decision.undone_at = decision.changed_at = now
        decision.undone_by = by.get_username()
        decision.version += 1
        decision.is_applied = False
        decision.save(update_fields=["undone_at", "changed_at", "undone_by", "version", "is_applied"])
        transaction.on_commit(lambda: _apply(decision))
    return decision


def apply_decisions() -> None:
    """Carry out the decisions that a dead process left behind."""
    for decision in Void.objects.filter(is_applied=False).order_by("id")[:100]:
        _apply(decision)


def void_row(decision: Void) -> EventRow:
    """The event that reports a decision about a registration."""
    return own_events.standing_row(
        conference_id=decision.conference_id, registration_id=decision.key, source="void",
        stands=decision.undone_at is not None, version=decision.version, at=decision.changed_at,
    )  # fmt: skip


def _decisions(conference: Conference, kind: str, key: str) -> QuerySet[Void]:
    return Void.objects.filter(conference_id=conference.id, kind=kind, key=key)


def _find(conference: Conference, kind: str, key: str) -> str:
    """The stored form of the key. Raises RefusedError."""
    found: str | None = None
    if kind == Void.Kind.LINK:
        link = ShareLink.objects.filter(id__in=keys_of(conference.id, key)).first()
        found = None if link is None else link.code
    elif kind == Void.Kind.SHARER:
        if ShareLink.objects.filter(conference_id=conference.id, sharer=key).exists():
            found = key
    elif (
        ShareRegistration.objects.filter(id=f"{conference.id}/{key}").exists()
        or Registration.objects.filter(conference=conference, id=key).exists()
    ):
        found = key
    if found is None:
        raise RefusedError("not_found", f"The conference has no such {kind}.", status=404)
    return found


def _apply(decision: Void) -> None:
    """Carry out a decision, with a bounded number of links per transaction. The call may be repeated."""
    if decision.kind == Void.Kind.REGISTRATION:
        own_events.send([void_row(decision)])  # if this fails, the sweep of own events sends it
    else:
        links = ShareLink.objects.filter(conference_id=decision.conference_id).order_by("id")
        column = "code" if decision.kind == Void.Kind.LINK else "sharer"
        links = links.filter(**{column: decision.key})
        last = ""
        while keys := list(links.filter(id__gt=last).values_list("id", flat=True)[:_LINKS_AT_ONCE]):
            with transaction.atomic():
                lock_conferences([decision.conference_id])
                deriving.derive_links_again(keys)
            deriving.settle([decision.conference_id])
            last = keys[-1]
    Void.objects.filter(pk=decision.pk, version=decision.version).update(is_applied=True)


own_events.register_kind(
    own_events.Kind("void", lambda: Void.objects.filter(kind=Void.Kind.REGISTRATION), "changed_at", void_row)
)
