"""Whom a message goes to: a JSON object, each of whose names narrows the registrations.

    {"states": ["approved"], "checked_in": true, "ids": ["…"], "brought": 3}

Apps above this one add filters of their own with `@selects_by`, such as by what sharing knows.
"""

from collections.abc import Callable
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet

from conferences.models import CheckIn, Conference, Registration

MAX_IDS = 500

Registrations = QuerySet[Registration]
_FILTERS: dict[str, Callable[[Registrations, Any], Registrations]] = {}


def selects_by(name: str) -> Callable[[Callable[[Registrations, Any], Registrations]], Any]:
    """Register a filter of (registrations of one conference, value)."""

    def register(select: Callable[[Registrations, Any], Registrations]) -> Any:
        if name in _FILTERS:
            raise ValueError(f"the filter {name!r} is registered twice")
        _FILTERS[name] = select
        return select

    return register


def select(conference: Conference, selection: dict[str, Any]) -> Registrations:
    """Return the registrations of a selection. Raises ValueError for a name without a filter.

    Otherwise a release that does not know a filter would write to everybody.
    """
    found = Registration.objects.filter(conference=conference)
    for name, value in selection.items():
        if name not in _FILTERS:
            raise ValueError(f"there is no filter {name!r}")
        found = _FILTERS[name](found, value)
    return found


@selects_by("states")
def _by_state(found: Registrations, value: list[str]) -> Registrations:
    return found.filter(state__in=value)


@selects_by("checked_in")
def _by_check_in(found: Registrations, value: bool) -> Registrations:
    entered = Exists(CheckIn.objects.filter(registration=OuterRef("pk"), undone_at=None))
    return found.filter(entered if value else ~entered)


@selects_by("ids")
def _by_id(found: Registrations, value: list[str]) -> Registrations:
    return found.filter(id__in=value[:MAX_IDS])
