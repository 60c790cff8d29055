"""Erasing a person from the tree, and from what is derived into it later (docs/sharing.md)."""

import secrets

from django.db import transaction

from analytics.erasing import erase_events, erase_text
from analytics.models import Event
from conferences.models import Conference
from conferences.selectors.erased import is_replacement
from conferences.services.erasing import erase_in_registrations, note_erased
from sharing import derive
from sharing.facts import ANONYMOUS, visitor_id_of
from sharing.locks import lock_conferences
from sharing.models import Registrant, ShareClaim, ShareLink, ShareOpen
from sharing.rebuild import derive_all
from sharing.store import claims_of


def erase_person(conference: Conference, sharer: str) -> int:
    """Replace a person's id by a random one wherever it stands; shape and counts stay. Returns rows changed.

    sharer: as the tree has it. That a visitor is erased is noted first, so it stays so whatever is sent
    again, comes late or is in a worker's hands just now: the same random id replaces theirs each time. May
    be repeated, e.g. after a crash. A user of ours, who owns minted links, has no events.
    """
    visitor_id = visitor_id_of(sharer)
    if visitor_id is None:
        return _erase_in_tree(conference.id, sharer, f"erased:{secrets.token_hex(12)}")
    if is_replacement(conference.id, visitor_id):
        return 0  # it says nothing of anybody
    nobody = note_erased(conference.id, visitor_id)
    changed = erase_in_registrations(conference.id, visitor_id, nobody)
    changed += erase_events(conference.id, visitor_id, nobody)
    if sharer.startswith(ANONYMOUS):
        events = Event.objects.filter(conference_id=conference.id, event_id=sharer.removeprefix(ANONYMOUS))
        changed += events.filter(visitor_id="").update(visitor_id=nobody, session_id="", properties={})
    return changed + _erase_in_tree(conference.id, sharer, nobody, visitor_id)


def _erase_in_tree(conference_id: str, sharer: str, nobody: str, visitor_id: str = "") -> int:
    with transaction.atomic():
        lock_conferences([conference_id])
        links = ShareLink.objects.filter(conference_id=conference_id, sharer=sharer)
        claims = claims_of(conference_id).filter(sharer=sharer)
        named: list[ShareLink | ShareClaim] = [*links, *claims] if visitor_id else []
        for row in named:
            texts = [erase_text(text, visitor_id, nobody) for text in (row.channel, row.target_url)]
            if texts != [row.channel, row.target_url]:
                row.channel, row.target_url = texts
                row.save(update_fields=["channel", "target_url"])
        opens = ShareOpen.objects.filter(conference_id=conference_id, visitor=sharer)
        registrants = Registrant.objects.filter(conference_id=conference_id, visitor=sharer)
        ids = list(registrants.values_list("id", flat=True)) if visitor_id else []
        changed = (
            links.update(sharer=nobody, sharer_user=None, label="")
            + claims.update(sharer=nobody, label="")
            + opens.update(visitor=nobody)
            + registrants.update(visitor=nobody)
        )
        if any(erase_text(key.partition("/")[2], visitor_id, nobody) != key.partition("/")[2] for key in ids):
            # A client that uses the visitor's id for the registration, too; it is part of many keys here.
            derive_all(conference_id)
    derive.pass_on_days()
    return changed
