"""Insert rows that a conference may have only a limited number of."""

from typing import Any

from django.db import transaction
from django.db.models import Model, QuerySet

from conferences.models import Conference
from meeteasy.core.errors import RefusedError


def insert_capped(
    row: Model, *, conference_id: str, among: QuerySet[Any], most: int, code: str, message: str
) -> None:
    """Insert a row unless there are `most` already.

    among: the rows that are counted. message: for people, with `%(most)d` as the limit. Raises RefusedError
    with this code.
    """
    with transaction.atomic():
        Conference.objects.select_for_update().get(id=conference_id)  # two at once would both find room
        if among.count() >= most:
            raise RefusedError(code, message % {"most": most})
        row.save(force_insert=True)
