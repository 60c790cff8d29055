"""What analytics lets members export (conferences/exports)."""

import datetime as dt
from typing import Any, ClassVar

import msgspec
from django.db.models import QuerySet

from analytics.days.figures import figure_names
from analytics.events.lines import write_line
from analytics.models import DailySummary, Event
from analytics.selectors.daily import get_summaries, make_row
from conferences.access import Role
from conferences.exports import Export, register
from conferences.models import Conference
from meeteasy.core.paging import PAGE_OF_EXPORT, read_page


class Days(msgspec.Struct, forbid_unknown_fields=True, frozen=True, rename={"first": "from", "last": "to"}):
    """Local days, both included; None means that end is open."""

    first: dt.date | None = None
    last: dt.date | None = None


@register
class Daily(Export):
    name: ClassVar[str] = "daily"
    Parameters: ClassVar[type[msgspec.Struct]] = Days

    def columns(self) -> list[str]:
        return ["date", "conference_id", *figure_names(), "revision"]

    def find(self, conference: Conference, parameters: Days) -> QuerySet[DailySummary]:
        return get_summaries(conference.id, first=parameters.first, last=parameters.last)

    def read(
        self, found: QuerySet[DailySummary], cursor: str, parameters: Any
    ) -> tuple[list[dict[str, Any]], int, str | None]:
        page, following = read_page(found, ("date",), limit=PAGE_OF_EXPORT, cursor=cursor)
        return [make_row(summary) for summary in page], len(page), following


@register
class Events(Export):
    """All stored events, as `export_events` writes them. They hold the ids of visitors."""

    name: ClassVar[str] = "events"
    role: ClassVar[Role] = Role.OWNER
    formats: ClassVar[tuple[str, ...]] = ("jsonl",)

    def columns(self) -> list[str]:
        return []

    def find(self, conference: Conference, parameters: Any) -> QuerySet[Event]:
        return Event.objects.filter(conference_id=conference.id)

    def read(
        self, found: QuerySet[Event], cursor: str, parameters: Any
    ) -> tuple[list[bytes], int, str | None]:
        page, following = read_page(found, ("id",), limit=PAGE_OF_EXPORT, cursor=cursor)
        return [write_line(event) + b"\n" for event in page], len(page), following
