"""All that is stored of a person in a conference, as a JSON document that is written piece by piece."""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
from django.db.models import Q, QuerySet
from django.forms.models import model_to_dict

from analytics.models import Event
from conferences.models import CheckIn, Passage, Registration, RegistrationReceipt, StateChange
from notifications.models import Notification
from sharing.derivation.facts import known_as
from sharing.models import Credit, NotCredited, ShareClaim, ShareLink, ShareOpen

_ROWS_AT_ONCE = 500
# Columns with the ids of others: who opened a person's link.
_OTHERS = frozenset({"first_opener", "second_opener"})


def write_personal_data(registration: Registration) -> Iterator[bytes]:
    """Yield the document: the registration, then each kind of rows that belong to it or to its visitor."""
    yield b'{"registration": ' + _encode(model_to_dict(registration) | {"id": registration.id})
    for name, rows in _find(registration).items():
        yield b',\n"' + name.encode() + b'": ['
        for number, row in enumerate(rows):
            yield (b",\n" if number else b"\n") + _encode(row)
        yield b"]"
    yield b"}\n"


def _find(registration: Registration) -> dict[str, Iterable[dict[str, Any]]]:
    """Return the rows of each kind. Without a visitor id only those of the registration are known."""
    conference_id, visitor_id = registration.conference_id, registration.visitor_id
    key = f"{conference_id}/{registration.id}"
    events = Q(subject=registration.id)
    if visitor_id:
        events |= Q(visitor_id=visitor_id)
    found: dict[str, QuerySet[Any]] = {
        "state_changes": StateChange.objects.filter(registration=registration).order_by("id"),
        "check_ins": CheckIn.objects.filter(registration=registration).order_by("id"),
        "passages": Passage.objects.filter(registration=registration).order_by("id"),
        "receipts": RegistrationReceipt.objects.filter(registration=registration).order_by("receipt"),
        "messages": Notification.objects.filter(registration_id=registration.id).order_by("id"),
        "credits": Credit.objects.filter(conversion_id=key).order_by("distance", "link_id"),
        "not_credited": NotCredited.objects.filter(registration_id=key).order_by("id"),
        "events": Event.objects.filter(events, conference_id=conference_id).order_by("id"),
    }
    if visitor_id:
        sharer = known_as(visitor_id)
        links = ShareLink.objects.filter(conference_id=conference_id, sharer=sharer)
        opens = ShareOpen.objects.filter(visitor=sharer, link_key__startswith=f"{conference_id}/")
        claims = ShareClaim.objects.filter(sharer=sharer, link_key__startswith=f"{conference_id}/")
        found |= {
            "share_links": links.order_by("id"), "share_opens": opens.order_by("id"),
            "share_claims": claims.order_by("id"),
        }  # fmt: skip
    return {name: _read(rows) for name, rows in found.items()}


def _read(rows: QuerySet[Any]) -> Iterator[dict[str, Any]]:
    """Read rows without what they say about other visitors."""
    fields = [field.attname for field in rows.model._meta.concrete_fields if field.attname not in _OTHERS]
    return iter(rows.values(*fields).iterator(chunk_size=_ROWS_AT_ONCE))


def _encode(row: dict[str, Any]) -> bytes:
    return msgspec.json.encode(row, enc_hook=str)
