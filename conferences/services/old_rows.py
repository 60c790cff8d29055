"""Counting and deleting rows by the local day of an instant, for kinds of retention that are plain rows."""

import datetime as dt
import time
from collections.abc import Callable, Iterator
from typing import Any

from django.db.models import Count, QuerySet
from django.db.models.functions import TruncDate

from conferences.models import Conference
from conferences.services.retention import midnight

_ROWS_AT_ONCE = 500

Find = Callable[[Conference], QuerySet[Any]]


def count_by_day(find: Find, field: str) -> Callable[[Conference, dt.date], Iterator[tuple[dt.date, int]]]:
    """Return a function that counts the rows of a conference by the local day of `field`."""

    def count(conference: Conference, before: dt.date) -> Iterator[tuple[dt.date, int]]:
        zone = midnight(conference, before).tzinfo
        old = find(conference).filter(**{f"{field}__lt": midnight(conference, before)})
        by_day = old.order_by().values_list(TruncDate(field, tzinfo=zone)).annotate(rows=Count("pk"))
        yield from sorted(by_day)

    return count


def delete_slices(
    find: Find, field: str, delete: Callable[[list[Any]], Any]
) -> Callable[[Conference, dt.date, float], tuple[int, bool]]:
    """Return a function that deletes the rows of a conference before a local day, in slices by their keys."""

    def delete_old(conference: Conference, before: dt.date, until: float) -> tuple[int, bool]:
        old = find(conference).filter(**{f"{field}__lt": midnight(conference, before)}).order_by("pk")
        deleted = 0
        while keys := list(old.values_list("pk", flat=True)[:_ROWS_AT_ONCE]):
            delete(keys)
            deleted += len(keys)
            if time.monotonic() > until:
                return deleted, False
        return deleted, True

    return delete_old
