"""Drop the data of conferences that were not created within a week, as analytics drops their events.

Newer events of such a conference may stay. If an organizer creates the conference later, a rebuild derives
their data again, so the data need not be correct until then.
"""

from collections.abc import Callable, Sequence
from typing import Any

from django.db import transaction
from django.db.models import Model, QuerySet

from conferences.models import Conference
from sharing.derivation.locks import lock_conferences
from sharing.derivation.store import (
    claims_of,
    opens_of,
    quarter_sums_of,
    quarter_versions_of,
    standings_of,
)
from sharing.models import (
    ChannelCount,
    Credit,
    CreditSum,
    NotCredited,
    PendingTotal,
    QuarterSum,
    QuarterVersion,
    RegistrationStanding,
    ShareClaim,
    ShareConversion,
    ShareLink,
    ShareOpen,
    ShareRegistration,
    StaleRegistration,
    StaleSums,
)
from sharing.services.rebuilding import rebuild

_CONFERENCES_AT_ONCE = 500
_ROWS_AT_ONCE = 5000
_KEYS_AT_ONCE = 500


def drop(conference_ids: Sequence[str]) -> None:
    """Drop all facts and derived data of these conferences, except of those created in the meantime.

    The function finds a few thousand rows at a time without the lock and deletes them under it. Some tables
    have no index by conference, so one scan of the tables serves hundreds of conferences.
    """
    for start in range(0, len(conference_ids), _CONFERENCES_AT_ONCE):
        _drop(set(conference_ids[start : start + _CONFERENCES_AT_ONCE]))


def _drop(conference_ids: set[str]) -> None:
    created: set[str] = set()
    for find, tables in _STEPS:
        keys: list[Any] = []
        while True:
            found = find(conference_ids - created).order_by("pk").values_list("pk", flat=True)
            keys = list((found.filter(pk__gt=keys[-1]) if keys else found)[:_ROWS_AT_ONCE])
            if not keys:
                break
            with transaction.atomic():
                lock_conferences(conference_ids)
                created |= _find_created(conference_ids)
                for start in range(0, len(keys), _KEYS_AT_ONCE):
                    still = find(conference_ids - created).filter(pk__in=keys[start : start + _KEYS_AT_ONCE])
                    going = list(still.values_list("pk", flat=True))
                    for model, column in tables:
                        model._default_manager.filter(**{f"{column}__in": going}).delete()
    for conference_id in sorted(created):
        rebuild(conference_id)


def _find_created(conference_ids: set[str]) -> set[str]:
    return set(Conference.objects.filter(id__in=conference_ids).values_list("id", flat=True))


def _rows_of(model: type[Model]) -> Callable[[set[str]], QuerySet[Any]]:
    return lambda conference_ids: model._default_manager.filter(conference_id__in=conference_ids)


# The rows to find, and the columns that select these rows and their dependent rows for deletion.
_STEPS: tuple[tuple[Callable[[set[str]], QuerySet[Any]], Sequence[tuple[type[Model], str]]], ...] = (
    (
        _rows_of(ShareRegistration),
        (
            (NotCredited, "registration"),
            (Credit, "conversion"),
            (ShareConversion, "registration"),
            (ShareRegistration, "id"),
        ),
    ),
    (_rows_of(ShareLink), ((ShareLink, "id"),)),
    (_rows_of(CreditSum), ((CreditSum, "pk"),)),
    (quarter_sums_of, ((QuarterSum, "id"),)),
    (quarter_versions_of, ((QuarterVersion, "id"),)),
    (_rows_of(ChannelCount), ((ChannelCount, "pk"),)),
    (_rows_of(StaleSums), ((StaleSums, "conference_id"),)),
    (_rows_of(StaleRegistration), ((StaleRegistration, "id"),)),
    (_rows_of(PendingTotal), ((PendingTotal, "id"),)),
    (claims_of, ((ShareClaim, "id"),)),
    (standings_of, ((RegistrationStanding, "id"),)),
    (opens_of, ((ShareOpen, "id"),)),
)
