"""Dropping what came for conferences that nobody created, after their events were dropped."""

from collections.abc import Callable, Sequence
from typing import Any

from django.db import transaction
from django.db.models import Model, QuerySet, Value
from django.db.models.functions import StrIndex, Substr

from analytics.models import Event
from conferences.models import Conference
from sharing import bulk
from sharing.facts import EVENT_TYPES
from sharing.locks import lock_conferences
from sharing.models import Credit, NotCredited, Registrant, ShareClaim, ShareConversion, ShareLink, ShareOpen
from sharing.rebuild import rebuild

_CONFERENCES_AT_ONCE = 500
_ROWS_AT_ONCE = 5000


def drop(conference_ids: Sequence[str]) -> None:
    """Drop all facts, and what follows from them, of conferences of which no event is stored any more; derive
    the others anew from the events that are left.

    In transactions of a few thousand rows; each begins by looking for events that came meanwhile. Not every
    table can be searched by conference, so the tables are gone through once for hundreds of conferences.
    """
    for start in range(0, len(conference_ids), _CONFERENCES_AT_ONCE):
        _drop(set(conference_ids[start : start + _CONFERENCES_AT_ONCE]))


def _drop(conference_ids: set[str]) -> None:
    in_use: set[str] = set()
    for find, tables in _STEPS:
        keys: list[Any] = []
        while True:
            with transaction.atomic():
                lock_conferences(conference_ids)
                in_use |= _find_in_use(conference_ids - in_use)
                found = find(conference_ids - in_use).order_by("pk").values_list("pk", flat=True)
                keys = list((found.filter(pk__gt=keys[-1]) if keys else found)[:_ROWS_AT_ONCE])
                for model, column in tables:
                    bulk.delete(model, column, keys)
            if not keys:
                break
    for conference_id in sorted(in_use):
        rebuild(conference_id)


def _find_in_use(conference_ids: set[str]) -> set[str]:
    """Those that have events still or again, or were created a moment ago."""
    events = Event.objects.filter(conference_id__in=conference_ids, type__in=EVENT_TYPES)
    return {
        *events.order_by().values_list("conference_id", flat=True).distinct(),
        *Conference.objects.filter(id__in=conference_ids).values_list("id", flat=True),
    }


def _claims(conference_ids: set[str]) -> QuerySet[Any]:
    conference_id = Substr("link_key", 1, StrIndex("link_key", Value("/")) - 1)
    return ShareClaim.objects.alias(of=conference_id).filter(of__in=conference_ids)


def _rows_of(model: type[Model]) -> Callable[[set[str]], QuerySet[Any]]:
    return lambda conference_ids: model._default_manager.filter(conference_id__in=conference_ids)


# What is looked for, and by which columns its rows and those that depend on them are deleted.
_STEPS: tuple[tuple[Callable[[set[str]], QuerySet[Any]], Sequence[tuple[type[Model], str]]], ...] = (
    (
        _rows_of(Registrant),
        (
            (NotCredited, "registrant"),
            (Credit, "conversion"),
            (ShareConversion, "registrant"),
            (Registrant, "id"),
        ),
    ),
    (_rows_of(ShareLink), ((ShareLink, "id"),)),
    (_claims, ((ShareClaim, "id"),)),
    (_rows_of(ShareOpen), ((ShareOpen, "event_id"),)),
)
