"""What a figure of the overview consists of: the days, and the events of the range, the latest first."""

import datetime as dt
from typing import Any, NamedTuple

from django.utils.translation import gettext_lazy as _

from analytics.days.zones import day_bounds
from analytics.models import Event
from analytics.ranges.results import DayPoint
from analytics.selectors.summary import get_summary, list_occurrences
from conferences.models import CheckIn, Conference, Registration
from console.asking import Asked
from console.panels import label_value

ROWS = 50


class Kind(NamedTuple):
    """event: the type of the events. day: the field of a day that says how many; None: days have none.

    adds_up: whether the days add up to the range's figure.
    """

    name: str
    label: Any
    event: str
    total: str
    day: str | None
    adds_up: bool = True


BOTS = "bots"
KINDS = {
    kind.name: kind
    for kind in (
        Kind("visitors", _("Visitors"), "page_view", "uv", "uv", adds_up=False),
        Kind("views", _("Page views"), "page_view", "pv", "pv"),
        Kind("visits", _("Visits"), "page_view", "visits", "visits"),
        Kind("opens", _("Share opens"), "share_open", "share_opens", None),
        Kind("registrations", _("Registrations"), "registration", "registrations", "registrations"),
        Kind("checkins", _("Check-ins"), "checkin", "checkins", "checkins"),
        Kind(BOTS, _("Bot hits"), "page_view", BOTS, BOTS),
    )
}


def read_figure(conference: Conference, kind: Kind, asked: Asked, *, page: int) -> dict[str, Any]:
    """Return the figure, its days that have any, and a page of its events. Raises NotReadyError."""
    span = asked.span
    # Bots are in no visit, so no filter selects them.
    filters = () if kind.name == BOTS else asked.filters
    summary = get_summary(
        conference, first=span.first, last=span.last, filters=filters, panels=(), now=span.now
    )
    days = [_describe_day(point, kind.day, asked) for point in summary.days] if kind.day else []
    offset = (page - 1) * ROWS
    if kind.name == BOTS:
        rows = _list_bots(conference, asked, limit=ROWS + 1, offset=offset)
    else:
        found = list_occurrences(
            conference, kind.event, first=span.first, last=span.last, filters=filters, limit=ROWS + 1,
            offset=offset,
        )  # fmt: skip
        rows = [
            {
                "at": dt.datetime.fromtimestamp(row.ts / 1000, dt.UTC), "page": row.page,
                "referrer": row.referrer, "channel": row.channel,
                "device": " · ".join(
                    filter(None, [label_value("device", row.device), row.app or row.browser])
                ),
                "country": label_value("country", row.country),
            }
            for row in found
        ]  # fmt: skip
    return {
        "kind": kind, "total": getattr(summary.totals, kind.total), "as_of": summary.as_of,
        "days": [day for day in reversed(days) if day["count"]], "rows": rows[:ROWS],
        "has_more": len(rows) > ROWS, "people": [] if filters else _list_people(conference, kind, asked),
    }  # fmt: skip


def _list_people(conference: Conference, kind: Kind, asked: Asked) -> list[dict[str, Any]]:
    """Return the latest people behind a figure, whom we know: clients' reports have no page of a person."""
    first, _end = day_bounds(conference.time_zone, asked.span.first)
    _start, last = day_bounds(conference.time_zone, asked.span.last)
    if kind.name == "registrations":
        found = Registration.objects.filter(
            conference=conference, state__in=Registration.STANDING, registered_at__gte=first,
            registered_at__lt=last,
        ).order_by("-registered_at", "-id")  # fmt: skip
        rows = list(found.values_list("id", "name", "registered_at")[:ROWS])
    elif kind.name == "checkins":
        entries = CheckIn.objects.filter(
            registration__conference=conference, undone_at=None, checked_in_at__gte=first,
            checked_in_at__lt=last,
        ).order_by("-checked_in_at", "-id")  # fmt: skip
        rows = list(entries.values_list("registration_id", "registration__name", "checked_in_at")[:ROWS])
    else:
        return []
    return [{"id": key, "name": name, "at": at} for key, name, at in rows]


def _describe_day(point: DayPoint, field: str, asked: Asked) -> dict[str, Any]:
    return {"date": point.date, "count": getattr(point, field), "query": asked.query(day=point.date)}


def _list_bots(conference: Conference, asked: Asked, *, limit: int, offset: int) -> list[dict[str, Any]]:
    hits = Event.objects.filter(
        conference_id=conference.id, local_date__gte=asked.span.first, local_date__lte=asked.span.last,
        is_bot__in=[True], type="page_view",
    ).order_by("-local_date", "-ts", "-id")  # fmt: skip
    return [
        {"at": hit.ts, "page": hit.data.get("page", ""), "referrer": "", "channel": "", "country": "",
         "device": (hit.context or {}).get("browser", "")}
        for hit in hits[offset : offset + limit]
    ]  # fmt: skip
