"""Registrations with their check-in."""

from typing import Any, ClassVar

import msgspec
from django.db.models import QuerySet

from conferences.exports._base import Export, Row, register
from conferences.models import Conference, Registration
from conferences.selectors.registrations import CSV_CODES, CSV_COLUMNS, find_registrations, make_csv_row
from meeteasy.core.paging import PAGE_OF_EXPORT, read_page


class RegistrationsFilter(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """As `find_registrations` has them."""

    state: str | None = None
    checked_in: bool | None = None
    form_id: str | None = None
    text: str = ""


@register
class Registrations(Export):
    name: ClassVar[str] = "registrations"
    codes: ClassVar[tuple[str, ...]] = CSV_CODES
    Parameters: ClassVar[type[msgspec.Struct]] = RegistrationsFilter

    def columns(self) -> list[str]:
        return CSV_COLUMNS

    def find(self, conference: Conference, parameters: RegistrationsFilter) -> QuerySet[Registration]:
        found = find_registrations(conference, **msgspec.structs.asdict(parameters))
        return found.select_related("conference")

    def read(
        self, found: QuerySet[Registration], cursor: str, parameters: Any
    ) -> tuple[list[Row], int, str | None]:
        page, following = read_page(found, ("-registered_at", "-id"), limit=PAGE_OF_EXPORT, cursor=cursor)
        return [make_csv_row(registration) for registration in page], len(page), following
