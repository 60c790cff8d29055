"""Counting and deleting rows by the local day of an instant, for kinds of retention that are plain rows."""

import datetime as dt
import time
from collections.abc import Callable, Iterator
from typing import Any

from django.db.models import Count, QuerySet
from django.db.models.functions import TruncDate

from conferences.models import Conference
from conferences.services.retention import Kind, keeps, midnight

_ROWS_AT_ONCE = 500

Find = Callable[[Conference], QuerySet[Any]]


def keeps_rows(
    name: str,
    label: Any,
    setting: str,
    find: Find,
    field: str,
    *,
    delete: Callable[[list[Any]], Any] | None = None,
) -> None:
    """Register the rows of a conference that grow old by an instant (`field`).

    setting: the field of Conference that says after how many days. delete: deletes the rows of some keys; by
    default it deletes those that `find` still finds.
    """
    keeps(Kind(name, label, setting, _count_by_day(find, field), _delete_slices(find, field, delete)))


def _count_by_day(find: Find, field: str) -> Callable[[Conference, dt.date], Iterator[tuple[dt.date, int]]]:
    """Return a function that counts the rows of a conference by the local day of `field`."""

    def count(conference: Conference, before: dt.date) -> Iterator[tuple[dt.date, int]]:
        zone = midnight(conference, before).tzinfo
        old = find(conference).filter(**{f"{field}__lt": midnight(conference, before)})
        by_day = old.order_by().values_list(TruncDate(field, tzinfo=zone)).annotate(rows=Count("pk"))
        yield from sorted(by_day)

    return count


def _delete_slices(
    find: Find, field: str, delete: Callable[[list[Any]], Any] | None = None
) -> Callable[[Conference, dt.date, float], tuple[int, bool]]:
    """Return a function that deletes the rows of a conference before a local day, in slices by their keys."""

    def delete_old(conference: Conference, before: dt.date, until: float) -> tuple[int, bool]:
        old = find(conference).filter(**{f"{field}__lt": midnight(conference, before)}).order_by("pk")
        deleted = 0
        while keys := list(old.values_list("pk", flat=True)[:_ROWS_AT_ONCE]):
            if delete is None:
                find(conference).filter(pk__in=keys).delete()
            else:
                delete(keys)
            deleted += len(keys)
            if time.monotonic() > until:
                return deleted, False
        return deleted, True

    return delete_old
