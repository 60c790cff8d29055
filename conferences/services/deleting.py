"""Deleting a conference with everything that belongs to it, after its waiting time.

Every app says which of its rows belong to a conference (`deletes_rows`). They go in slices, then the
conference itself goes, and an hour later the rows go that were on their way meanwhile. A crash at any point
leaves what the next run finds: the conference with its time, or its id without `cleaned_at`.
"""

import datetime as dt
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import Model, QuerySet
from django.utils import timezone

from conferences.models import (
    Alias,
    CheckIn,
    Conference,
    DeletedConference,
    DeskSettings,
    EventKey,
    ExportJob,
    IdempotencyKey,
    Job,
    Passage,
    Registration,
    RegistrationReceipt,
    StateChange,
)
from conferences.services.exporting import delete_results
from meeteasy.core.forgetting import request_rewrite
from meeteasy.core.logs import get_logger

log = get_logger(__name__)

_ROWS_AT_ONCE = 1000
# A run gives the queue back after this time; the next one goes on.
_SECONDS_A_RUN = 120
_CLEAN_AFTER = dt.timedelta(hours=1)


@dataclass(frozen=True)
class Rows:
    """Rows of a conference. by: the column whose values make slices, where the primary key has several."""

    model: type[Model]
    find: Callable[[str], QuerySet[Any]]
    by: str = "pk"


_rows: list[Rows] = []


def deletes_rows(
    model: type[Model], find: Callable[[str], QuerySet[Any]] | None = None, *, by: str = "pk"
) -> None:
    """Register rows that are deleted with their conference, those that refer to others first.

    find: the rows of a conference id; by default those with this `conference_id`.
    """
    found = find or (lambda conference_id: model._default_manager.filter(conference_id=conference_id))
    _rows.append(Rows(model, found, by))


def deleted_models() -> set[type[Model]]:
    """Return the models whose rows are deleted with a conference."""
    return {rows.model for rows in _rows}


def delete_due(*, now: dt.datetime | None = None) -> None:
    """Delete the conferences whose waiting time is over, for a bounded time."""
    now, until = now or timezone.now(), time.monotonic() + _SECONDS_A_RUN
    due = Conference.objects.filter(delete_at__lte=now).order_by("delete_at")
    for conference_id in list(due.values_list("id", flat=True)[:100]):
        if not _delete(conference_id, now=now, until=until):
            return
    unclean = DeletedConference.objects.filter(cleaned_at=None, deleted_at__lte=now - _CLEAN_AFTER)
    for conference_id in list(unclean.values_list("id", flat=True)[:100]):
        if not _delete_rows(conference_id, until=until):
            return
        DeletedConference.objects.filter(id=conference_id).update(cleaned_at=now)
        request_rewrite()


def _delete(conference_id: str, *, now: dt.datetime, until: float) -> bool:
    """Delete a conference. Returns whether the time was enough."""
    delete_results(conference_id)
    if not _delete_rows(conference_id, until=until):
        return False
    # Noted first: nobody can take the id in between.
    DeletedConference.objects.get_or_create(id=conference_id, defaults={"deleted_at": now})
    Conference.objects.filter(id=conference_id, delete_at__lte=now).delete()
    log.info("conference_deleted", conference_id=conference_id)
    return True


def _delete_rows(conference_id: str, *, until: float) -> bool:
    for rows in _rows:
        found = rows.find(conference_id).order_by()
        while keys := list(found.values_list(rows.by, flat=True)[:_ROWS_AT_ONCE]):
            rows.model._default_manager.filter(**{f"{rows.by}__in": keys}).delete()
            if time.monotonic() > until:
                return False
    return True


deletes_rows(Passage, lambda conference_id: Passage.objects.filter(registration__conference_id=conference_id))
deletes_rows(CheckIn, lambda conference_id: CheckIn.objects.filter(registration__conference_id=conference_id))
deletes_rows(
    StateChange, lambda conference_id: StateChange.objects.filter(registration__conference_id=conference_id)
)
deletes_rows(
    RegistrationReceipt,
    lambda conference_id: RegistrationReceipt.objects.filter(registration__conference_id=conference_id),
)
for _model in (Alias, DeskSettings, EventKey, ExportJob, IdempotencyKey, Job, Registration):
    deletes_rows(_model)
