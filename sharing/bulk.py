"""Many rows in one statement, on SQLite and PostgreSQL.

The ORM builds an object per row, which costs more than the row itself (docs/adr/0002), and has no recursive
queries. Each function takes the columns by name and finds table and types in the model.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import msgspec
from django.db import connection, models

Row = Sequence[Any]


def is_postgresql() -> bool:
    return connection.vendor == "postgresql"


def fetch(sql: str, keys: Collection[str], *params: Any) -> list[tuple[Any, ...]]:
    """Rows of `sql`, in which `{keys}` is a table with the one column `key` that holds `keys`.

    It must be the first parameter of the statement. No keys: no rows, no query.
    """
    if not keys:
        return []
    value: Any
    if is_postgresql():
        table, value = "unnest(%s::text[]) AS keys(key)", list(keys)
    else:
        table = "(SELECT value AS key FROM json_each(%s)) AS keys"
        value = msgspec.json.encode(list(keys)).decode()
    with connection.cursor() as cursor:
        cursor.execute(sql.replace("{keys}", table), [value, *params])
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


def fetch_pairs(sql: str, pairs: Collection[tuple[str, str]]) -> list[tuple[Any, ...]]:
    """The same for pairs, in the columns `one` and `other`."""
    if not pairs:
        return []
    if is_postgresql():
        table = "unnest(%s::text[], %s::text[]) AS keys(one, other)"
        values: list[Any] = _by_column(list(pairs))
    else:
        table = (
            "(SELECT json_extract(value, '$[0]') AS one, json_extract(value, '$[1]') AS other "
            "FROM json_each(%s)) AS keys"
        )
        values = [msgspec.json.encode(list(pairs)).decode()]
    with connection.cursor() as cursor:
        cursor.execute(sql.replace("{keys}", table), values)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


def insert(model: type[models.Model], columns: Sequence[str], rows: Sequence[Row]) -> None:
    """Insert rows that are known to be new."""
    if not rows:
        return
    with connection.cursor() as cursor:
        if is_postgresql():
            cursor.execute(_insert_unnest(model, columns), _by_column(rows))
        else:
            cursor.executemany(_insert_values(model, columns), rows)


def insert_new(model: type[models.Model], columns: Sequence[str], rows: Sequence[Row]) -> set[str]:
    """Insert the rows that a unique constraint does not already know; returns the `event_id` of those.

    The caller holds the lock of the conferences concerned (sharing/locks.py).
    """
    if not rows:
        return set()
    at = columns.index("event_id")
    with connection.cursor() as cursor:
        if is_postgresql():
            cursor.execute(
                f"{_insert_unnest(model, columns)} ON CONFLICT DO NOTHING RETURNING event_id",
                _by_column(rows),
            )
            return {event_id for (event_id,) in cursor.fetchall()}
        # The transaction has held the write lock from its beginning: what is above the highest id is ours.
        table = model._meta.db_table
        cursor.execute(f"SELECT max(id) FROM {table}")  # noqa: S608  a table of ours
        before = cursor.fetchone()[0] or 0
        cursor.executemany(f"{_insert_values(model, columns)} ON CONFLICT DO NOTHING", rows)
        if cursor.rowcount == len(rows):
            return {row[at] for row in rows}
        if cursor.rowcount == 0:
            return set()
        cursor.execute(f"SELECT event_id FROM {table} WHERE id > %s", [before])  # noqa: S608
        return {event_id for (event_id,) in cursor.fetchall()}


def update(model: type[models.Model], columns: Sequence[str], rows: Sequence[Row]) -> None:
    """Set columns by primary key. Each row: the values of `columns`, then the key."""
    _update(model, columns, rows, "{new}")


def add(model: type[models.Model], columns: Sequence[str], rows: Sequence[Row]) -> None:
    """Add to columns by primary key. Each row: what is added to each of `columns`, then the key."""
    _update(model, columns, rows, "{table}.{name} + {new}")


def _update(model: type[models.Model], columns: Sequence[str], rows: Sequence[Row], value: str) -> None:
    if not rows:
        return
    table, key = model._meta.db_table, _key(model)

    def assign(new: str) -> str:
        return ", ".join(
            f"{name} = {value.format(table=table, name=name, new=new.format(name))}" for name in columns
        )

    with connection.cursor() as cursor:
        if is_postgresql():
            names = [*columns, key]
            cursor.execute(
                f"UPDATE {table} SET {assign('new.{}')} FROM unnest({_arrays(model, names)}) "  # noqa: S608
                f"AS new({', '.join(names)}) WHERE {table}.{key} = new.{key}",
                _by_column(rows),
            )
        else:
            cursor.executemany(f"UPDATE {table} SET {assign('%s')} WHERE {key} = %s", rows)  # noqa: S608


def delete(model: type[models.Model], column: str, keys: Collection[Any]) -> None:
    """Delete the rows whose `column` is one of `keys`."""
    ordered = list(keys)
    for start in range(0, len(ordered), 500):
        model._default_manager.filter(**{f"{column}__in": ordered[start : start + 500]}).delete()


def _insert_values(model: type[models.Model], columns: Sequence[str]) -> str:
    marks = ", ".join(["%s"] * len(columns))
    return f"INSERT INTO {model._meta.db_table} ({', '.join(columns)}) VALUES ({marks})"  # noqa: S608


def _insert_unnest(model: type[models.Model], columns: Sequence[str]) -> str:
    names = ", ".join(columns)
    return (
        f"INSERT INTO {model._meta.db_table} ({names}) "  # noqa: S608
        f"SELECT {names} FROM unnest({_arrays(model, columns)}) AS new({names})"
    )


def _arrays(model: type[models.Model], columns: Iterable[str]) -> str:
    fields = {field.column: field for field in model._meta.concrete_fields}
    return ", ".join(f"%s::{fields[name].rel_db_type(connection)}[]" for name in columns)


def _by_column(rows: Sequence[Row]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]


def _key(model: type[models.Model]) -> str:
    assert model._meta.pk is not None
    return str(model._meta.pk.column)
