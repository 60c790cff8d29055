"""Rows of a table as instances of its model, read by statements of our own.

For what nearly all requests read, where the ORM takes several times as long to write a statement as a
database to answer it. `QuerySet.raw` takes a quarter of a small request to find out for each statement what
it reads.
"""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, Generic, TypeVar

from django.db import connection
from django.db.models import Model

_Model = TypeVar("_Model", bound=Model)


class Rows(Generic[_Model]):
    """links = Rows(ShareLink, "link")
    links.read(f"SELECT {links.columns} FROM sharing_sharelink link WHERE link.id = %s", [key])
    """

    def __init__(self, model: type[_Model], name: str) -> None:
        self._model, self._name = model, name

    @cached_property
    def columns(self) -> str:
        """All columns of the table, which the statement calls by this name, as `make` expects them."""
        return ", ".join(f"{self._name}.{field.column}" for field in self._model._meta.concrete_fields)

    def read(self, statement: str, values: Sequence[Any]) -> list[_Model]:
        with connection.cursor() as cursor:
            cursor.execute(statement, values)
            return [self.make(row) for row in cursor.fetchall()]

    def make(self, row: Sequence[Any]) -> _Model:
        """The instance of a row that begins with `columns`."""
        values = list(row[: len(self._names)])
        for place, convert, column in self._converters:
            values[place] = convert(values[place], column, connection)
        return self._model.from_db(connection.alias, self._names, values)

    @cached_property
    def _names(self) -> list[str]:
        return [field.attname for field in self._model._meta.concrete_fields]

    @cached_property
    def _converters(self) -> list[tuple[int, Callable[..., Any], Any]]:
        """What the database's values of some columns have to go through, as the ORM does it."""
        found = []
        for place, field in enumerate(self._model._meta.concrete_fields):
            column = field.get_col(self._model._meta.db_table)
            converters = connection.ops.get_db_converters(column) + column.get_db_converters(connection)
            found += [(place, convert, column) for convert in converters]
        return found
