"""Model fields of our own."""

from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

if TYPE_CHECKING:
    _CharField = models.CharField[str, str]
else:
    _CharField = models.CharField


class KeyField(_CharField):
    """Text that names something: an id, a code. Every database compares and sorts it by code points.

    So do Python and SQLite. PostgreSQL would sort by the database's language, in most of them a before B; and
    comparing by language costs more in each search of an index.
    """

    def db_parameters(self, connection: BaseDatabaseWrapper) -> Any:
        parameters: Any = super().db_parameters(connection)
        if connection.vendor == "postgresql":
            parameters["collation"] = "C"
        return parameters
