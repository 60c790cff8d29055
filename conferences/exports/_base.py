"""The definition of an export, and the registry of exports."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import msgspec
from django.core.exceptions import ValidationError
from django.db.models import QuerySet

from conferences.access import Role
from conferences.models import Conference
from meeteasy.core.registry import Registry

Row = dict[str, Any]

EXPORTS: Registry["Export"] = Registry("conferences.exports")


class NoParameters(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """An export of everything."""


class Export(ABC):
    """Rows of a conference that can be downloaded: at once if they are few, else by a job.

    formats: `csv` and `xlsx` for tables; `jsonl` for rows that are bytes. role: who may export.
    Parameters: what the rows are selected by; its values are stored with a job as JSON.
    """

    name: ClassVar[str]
    role: ClassVar[Role] = Role.VIEWER
    formats: ClassVar[tuple[str, ...]] = ("csv", "xlsx")
    codes: ClassVar[tuple[str, ...]] = ()
    Parameters: ClassVar[type[msgspec.Struct]] = NoParameters

    @abstractmethod
    def columns(self) -> list[str]: ...

    @abstractmethod
    def find(self, conference: Conference, parameters: Any) -> QuerySet[Any]:
        """The things to export; their number is the progress's total."""

    @abstractmethod
    def read(self, found: QuerySet[Any], cursor: str, parameters: Any) -> tuple[list[Any], int, str | None]:
        """The next rows after a cursor ("": from the start), of how many things, and the next cursor."""

    def iterate(self, conference: Conference, parameters: Any) -> Iterator[Any]:
        """All rows, a page in memory at a time.

        A single database cursor would hold a snapshot for as long as a slow client reads, and SQLite could
        not clear its log meanwhile.
        """
        found = self.find(conference, parameters)
        cursor: str | None = ""
        while cursor is not None:
            rows, _, cursor = self.read(found, cursor, parameters)
            yield from rows

    def read_parameters(self, given: Mapping[str, Any]) -> Any:
        """Raises ValidationError that names the field."""
        try:
            return msgspec.convert(dict(given), self.Parameters, strict=False)
        except msgspec.ValidationError as error:
            raise ValidationError({"parameters": str(error)}) from None


def register(export: type[Export]) -> type[Export]:
    """Register an instance of the decorated class."""
    EXPORTS.add(export.name, export())
    return export
