"""Short statements that run so often that the ORM would take longer over them than a database does."""

from collections.abc import Collection, Sequence
from typing import Any

import msgspec
from django.db import connections, models, router


def select(
    model: type[models.Model], columns: Sequence[str], *, key: str, among: Collection[str]
) -> list[tuple[Any, ...]]:
    """Return `columns` of the rows whose text column `key` is among these, in no order.

    Values are as the driver gives them. Only for models in SQLite and PostgreSQL. The statement is the same
    for any number of keys, so it need not be prepared again. Columns that are a `KeyField` are read by
    sharing/derivation/bulk.py, which compares by code points.
    """
    if not among:
        return []
    connection = connections[router.db_for_read(model)]
    condition, value = (
        ("= ANY(%s)", list(among))
        if connection.vendor == "postgresql"
        else ("IN (SELECT value FROM json_each(%s))", msgspec.json.encode(list(among)).decode())
    )
    table = model._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(columns)} FROM {table} WHERE {key} {condition}", [value])  # noqa: S608
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows
