"""Model fields of our own."""

from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

if TYPE_CHECKING:
    _CharField = models.CharField[str, str]
    _JSONField = models.JSONField[Any, Any]
else:
    _CharField = models.CharField
    _JSONField = models.JSONField


class KeyField(_CharField):
    """Text that names something: an id, a code. Every database compares and sorts it by code points.

    Python and SQLite do the same. PostgreSQL would sort by the database's language, usually with a before B,
    and comparing by language makes every index search slower.
    """

    def db_parameters(self, connection: BaseDatabaseWrapper) -> Any:
        parameters: Any = super().db_parameters(connection)
        if connection.vendor == "postgresql":
            parameters["collation"] = "C"
        return parameters


class EncodedJSONField(_JSONField):
    """JSON that the code which inserts the rows has encoded or checked, so that SQLite need not do it again:
    it parses each text into a tree, and three of them were an eighth of an insert.

    In a table that exists the checks are dropped by `drop_json_checks` (meeteasy/core/migrations.py).
    """

    def db_check(self, connection: BaseDatabaseWrapper) -> str | None:
        return None
