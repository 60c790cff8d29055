"""Read and write many rows in one statement, on SQLite and PostgreSQL.

The ORM builds an object per row, which costs more than the row itself (docs/adr/0002), and it has no
recursive queries. Each function takes column names and finds the table and the types in the model.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import msgspec
from django.db import DataError, IntegrityError, connection, models, transaction

from meeteasy.core import sqlite

Row = Sequence[Any]


def is_postgresql() -> bool:
    return connection.vendor == "postgresql"


def fetch(sql: str, keys: Collection[str], *params: Any) -> list[tuple[Any, ...]]:
    """Run `sql`, in which `{keys}` stands for a table of `keys` with the single column `key`.

    `{keys}` must be the first parameter of the statement. Without keys there is no query and no row.
    """
    if not keys:
        return []
    value: Any
    if is_postgresql():
        # Sorted keys let each search of an index begin where the last one ended.
        table, value = 'unnest(%s::text[] COLLATE "C") AS keys(key)', _array(sorted(keys))
    else:
        table = "(SELECT value AS key FROM json_each(%s)) AS keys"
        value = msgspec.json.encode(list(keys)).decode()
    with connection.cursor() as cursor:
        cursor.execute(sql.replace("{keys}", table), [value, *params])
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


def insert(model: type[models.Model], columns: Sequence[str], rows: Sequence[Row]) -> None:
    """Insert rows whose keys are known to be new."""
    if not rows:
        return
    if is_postgresql():
        _copy(model, columns, rows)
        return
    sqlite.insert_rows(connection, model._meta.db_table, columns, rows)


def _copy(model: type[models.Model], columns: Sequence[str], rows: Sequence[Row]) -> None:
    # Django's cursor does not translate errors raised while a COPY is open.
    with (
        connection.cursor() as cursor,
        connection.wrap_database_errors,
        cursor.copy(f"COPY {model._meta.db_table} ({', '.join(columns)}) FROM STDIN") as copy,
    ):
        for row in rows:
            copy.write_row(row)


def insert_new(model: type[models.Model], columns: Sequence[str], rows: Sequence[Row]) -> set[str]:
    """Insert the rows whose key is new, and return their keys. The key is the first column.

    The caller's transaction holds the lock of the rows' conferences (sharing/derivation/locks.py).
    """
    if not rows:
        return set()
    table = model._meta.db_table
    if is_postgresql():
        try:
            # All rows are usually new, and COPY costs half as much, although it has no ON CONFLICT.
            with transaction.atomic():
                _copy(model, columns, rows)
            return {row[0] for row in rows}
        except IntegrityError:
            names = ", ".join(columns)
            with connection.cursor() as cursor:
                cursor.execute(
                    f"INSERT INTO {table} ({names}) "  # noqa: S608
                    f"SELECT {names} FROM unnest({_arrays(model, columns)}) AS new({names}) "
                    f"ON CONFLICT DO NOTHING RETURNING {columns[0]}",
                    _by_column(rows),
                )
                return {key for (key,) in cursor.fetchall()}
    new = sqlite.insert_new(connection, table, columns, [({}, rows)], count=len(rows), key=columns[0])
    return {row[0] for row in rows} if new is None else new


def update(
    model: type[models.Model], columns: Sequence[str], rows: Sequence[Row], *, added: Sequence[str] = ()
) -> None:
    """Set columns, and add to those in `added`, by primary key.

    Each row has the values of `columns`, the amounts for `added`, then the key.
    """
    if not rows:
        return
    table, key = model._meta.db_table, _key(model)

    def assign(new: str) -> str:
        return ", ".join(
            [f"{name} = {new.format(name)}" for name in columns]
            + [f"{name} = {table}.{name} + {new.format(name)}" for name in added]
        )

    with connection.cursor() as cursor:
        if is_postgresql():
            names = [*columns, *added, key]
            cursor.execute(
                f"UPDATE {table} SET {assign('new.{}')} FROM unnest({_arrays(model, names)}) "  # noqa: S608
                f"AS new({', '.join(names)}) WHERE {table}.{key} = new.{key}",
                _by_column(rows),
            )
        else:
            cursor.executemany(f"UPDATE {table} SET {assign('%s')} WHERE {key} = %s", rows)  # noqa: S608


def add(
    model: type[models.Model], keys: Sequence[str], added: Sequence[str], rows: Sequence[Row],
    *, kept: Sequence[str] = (),
) -> None:  # fmt: skip
    """Add amounts to rows, which are inserted if they are new.

    keys: the primary key. kept: columns that stay as they are if the row is there. Each of `rows` has the
    values of `keys`, the amounts for `added`, then the values of `kept`.
    """
    if not rows:
        return
    table = model._meta.db_table
    sums = ", ".join(f"{name} = {table}.{name} + excluded.{name}" for name in added)
    on_conflict = f"ON CONFLICT ({', '.join(keys)}) DO UPDATE SET {sums}"
    columns = (*keys, *added, *kept)
    if not is_postgresql():
        sqlite.insert_rows(connection, table, columns, rows, on_conflict=on_conflict)
        return
    names = ", ".join(columns)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} ({names}) SELECT {names} "  # noqa: S608
            f"FROM unnest({_arrays(model, columns)}) AS new({names}) {on_conflict}",
            _by_column(rows),
        )


def delete_empty(model: type[models.Model], keys: Sequence[str], count: str, rows: Sequence[Row]) -> None:
    """Delete those of the rows with these keys whose column `count` is 0."""
    if not rows:
        return
    table = model._meta.db_table
    with connection.cursor() as cursor:
        if is_postgresql():
            same = " AND ".join(f"{table}.{name} = old.{name}" for name in keys)
            cursor.execute(
                f"DELETE FROM {table} USING unnest({_arrays(model, keys)}) AS old({', '.join(keys)}) "  # noqa: S608
                f"WHERE {same} AND {table}.{count} = 0",
                _by_column(rows),
            )
        else:
            same = " AND ".join(f"{name} = %s" for name in keys)
            cursor.executemany(f"DELETE FROM {table} WHERE {same} AND {count} = 0", rows)  # noqa: S608


def delete(model: type[models.Model], column: str, keys: Collection[Any]) -> None:
    """Delete the rows whose `column` is one of `keys`, and nothing that refers to them."""
    if not keys:
        return
    if is_postgresql():
        among, value = f"SELECT unnest({_arrays(model, [column])})", _array(keys)
    else:
        among, value = "SELECT value FROM json_each(%s)", msgspec.json.encode(list(keys)).decode()
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {model._meta.db_table} WHERE {column} IN ({among})", [value])  # noqa: S608


def _arrays(model: type[models.Model], columns: Iterable[str]) -> str:
    fields = {field.column: field for field in model._meta.concrete_fields}
    return ", ".join(f"%s::{fields[name].rel_db_type(connection)}[]" for name in columns)


def _by_column(rows: Sequence[Row]) -> list[str]:
    return [_array(column) for column in zip(*rows, strict=True)]


def _array(values: Iterable[Any]) -> str:
    """The values as a PostgreSQL array literal. The driver's own conversion reads each text three times."""
    found = list(values)
    if all(type(value) is str for value in found):
        texts = "\0".join(found)
        # PostgreSQL texts have no zero bytes, so a zero byte can separate them while all are escaped at once.
        if texts.count("\0") >= len(found) > 0:
            raise DataError("text with a zero byte")
        texts = texts.replace("\\", "\\\\").replace('"', '\\"')
        return '{"' + texts.replace("\0", '","') + '"}'
    return "{" + ",".join("NULL" if value is None else _element(value) for value in found) + "}"


def _element(value: str | int | bool) -> str:
    return _array([value])[1:-1] if isinstance(value, str) else str(value)


def _key(model: type[models.Model]) -> str:
    assert model._meta.pk is not None
    return str(model._meta.pk.column)
