"""Erase a person from the tree and from data derived later (docs/sharing.md)."""

import secrets
from collections.abc import Iterable

from django.db import transaction
from django.db.models import Model, QuerySet

from analytics.erasing import erase_events, erase_text
from analytics.models import Event
from conferences.models import Conference
from conferences.selectors.erased import is_replacement
from conferences.services.erasing import erase_in_registrations, note_erased
from conferences.services.exporting import delete_results
from meeteasy.core.forgetting import request_rewrite
from sharing.derivation import bulk, deriving
from sharing.derivation.facts import ANONYMOUS, Facts, visitor_id_of
from sharing.derivation.locks import lock_conferences
from sharing.derivation.registrations import (
    RegistrationRecord,
    Standing,
    load_registrations,
    merge_standings,
    report_key,
)
from sharing.derivation.store import claims_of, opens_of
from sharing.derivation.sums import count_again, rename_sharer
from sharing.models import (
    Credit,
    NotCredited,
    RegistrationStanding,
    ShareClaim,
    ShareConversion,
    ShareLink,
    ShareRegistration,
    StaleRegistration,
    Void,
)

_KEYED_BY_REGISTRATION: tuple[tuple[type[Model], str], ...] = (
    (ShareRegistration, "id"),
    (ShareConversion, "registration_id"),
    (Credit, "conversion_id"),
    (NotCredited, "registration_id"),
    (StaleRegistration, "id"),
)


def erase_person(conference: Conference, sharer: str) -> int:
    """Replace a person's id with a random one everywhere; shape and counts stay. Returns rows changed.

    sharer: the person's id in the tree. The erasure is recorded first, so the same random id also replaces
    the visitor's id in events that are repeated, late or being processed. The call may be repeated, e.g.
    after a crash. Our own users, who own minted links, have no events.
    """
    visitor_id = visitor_id_of(sharer)
    if visitor_id is None:
        return _erase_in_tree(conference.id, sharer, f"erased:{secrets.token_hex(12)}")
    if is_replacement(conference.id, visitor_id):
        return 0  # this id identifies no person
    replacement_id = note_erased(conference.id, visitor_id)
    changed = erase_in_registrations(conference.id, visitor_id, replacement_id)
    changed += erase_events(conference.id, visitor_id)
    if sharer.startswith(ANONYMOUS):
        key = Event.key(sharer.removeprefix(ANONYMOUS), conference.id)
        events = Event.objects.filter(id=key)
        changed += events.filter(visitor_id="").update(
            visitor_id=replacement_id, session_id="", properties={}
        )
    changed += _erase_in_tree(conference.id, sharer, replacement_id, visitor_id)
    delete_results(conference.id)
    request_rewrite()
    return changed


def _erase_in_tree(conference_id: str, sharer: str, replacement_id: str, visitor_id: str = "") -> int:
    channels: dict[str, str] = {}
    with transaction.atomic():
        lock_conferences([conference_id])
        links = ShareLink.objects.filter(conference_id=conference_id, sharer=sharer)
        # No index covers a person's claims, so this scans the table once for the keys.
        claims = list(claims_of([conference_id]).filter(sharer=sharer))
        if visitor_id:
            channels = _erase_in_texts(ShareLink, links, visitor_id, replacement_id)
            _erase_in_texts(ShareClaim, claims, visitor_id, replacement_id)
        bulk.update(ShareClaim, ("sharer", "label"), [(replacement_id, "", claim.pk) for claim in claims])
        opens = opens_of([conference_id]).filter(visitor=sharer)
        registrations = ShareRegistration.objects.filter(conference_id=conference_id, visitor=sharer)
        conversions = ShareConversion.objects.filter(conference_id=conference_id)
        credits = Credit.objects.filter(conversion_id__in=conversions.values("registration_id"))
        for channel, erased in channels.items():
            credits.filter(sharer=sharer, channel=channel).update(channel=erased)
        credits.filter(sharer=sharer).update(sharer=replacement_id)
        rename_sharer(conference_id, sharer, replacement_id)
        changed = (
            len(claims)
            + links.update(sharer=replacement_id, sharer_user=None, label="", search_label="")
            + opens.update(visitor=replacement_id)
            + _erase_in_first_opens(conference_id, sharer, replacement_id)
            + _erase_in_reports(registrations, sharer, replacement_id)
            + registrations.update(visitor=replacement_id)
        )
        voids = Void.objects.filter(conference_id=conference_id)
        changed += voids.filter(kind=Void.Kind.SHARER, key=sharer).update(key=replacement_id)
        if visitor_id:
            voids.filter(kind=Void.Kind.REGISTRATION, key=visitor_id).update(key=replacement_id)
            _rename_registration(f"{conference_id}/{visitor_id}", f"{conference_id}/{replacement_id}")
        if channels:
            count_again(conference_id)
    deriving.settle([conference_id])
    return changed


def _erase_in_texts(
    model: type[Model], rows: Iterable[ShareLink | ShareClaim], visitor_id: str, replacement_id: str
) -> dict[str, str]:
    """Returns the channels that changed: before → after."""
    changed = []
    channels = {}
    for row in rows:
        texts = [erase_text(text, visitor_id, replacement_id) for text in (row.channel, row.target_url)]
        if texts != [row.channel, row.target_url]:
            changed.append((*texts, row.pk))
        if texts[0] != row.channel:
            channels[row.channel] = texts[0]
    bulk.update(model, ("channel", "target_url"), changed)
    return channels


def _erase_in_first_opens(conference_id: str, sharer: str, replacement_id: str) -> int:
    links = ShareLink.objects.filter(conference_id=conference_id)
    return sum(
        links.filter(**{column: sharer}).update(**{column: replacement_id})
        for column in ("first_opener", "second_opener")
    )


def _erase_in_reports(registrations: QuerySet[ShareRegistration], sharer: str, replacement_id: str) -> int:
    """Change the keys of reports without a registration id, which contain a digest of the visitor's id."""
    renamed = 0
    for row in registrations:
        key = report_key(row.conference_id, row.form_digest, sharer)
        if row.id == key:
            _rename_registration(key, report_key(row.conference_id, row.form_digest, replacement_id))
            renamed += 1
    return renamed


def _rename_registration(key: str, name: str) -> None:
    """Change the key of the registration that has the visitor's id, if any; its credits stay.

    A client may use the visitor's id as the registration's id. The caller's transaction holds the lock. The
    new key may exist already, because an erased event may have reported the registration again. The two rows
    are then merged.
    """
    known = load_registrations([key, name])
    if key not in known:
        return
    double = known.get(name)
    if double is not None:
        # Without a visitor and a code the row credits nothing, and no other row depends on it.
        deriving.derive(Facts(is_complete=True, registrations=[RegistrationRecord(name, double.moment)]))
        bulk.delete(ShareRegistration, "id", [name])
    _rename_standing(key, name)
    for model, column in _KEYED_BY_REGISTRATION:
        model._default_manager.filter(**{column: key}).update(**{column: name})
    if double is not None:
        deriving.derive(Facts(registrations=[double]))


def _rename_standing(key: str, name: str) -> None:
    row = RegistrationStanding.objects.filter(id=key).first()
    if row is None:
        return
    row.delete()
    merge_standings(
        [
            Standing(name, "state", row.state_version, not row.is_withdrawn),
            Standing(name, "void", row.void_version, not row.is_void),
        ]
    )
