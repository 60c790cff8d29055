"""Conversions and what they credit, under a credit model."""

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Any

from django.db.models import Count, F, Q, QuerySet, Sum

from analytics.models import Event
from analytics.zones import day_bounds
from conferences.models import Conference
from sharing.attribution import REASON_LABELS, Reason
from sharing.credit_models import CREDIT_MODELS, DEFAULT
from sharing.models import Credit, NotCredited, Registrant, ShareConversion, ShareLink
from sharing.selectors.paging import decode_cursor, encode_cursor

_AT_ONCE = 500
Range = tuple[dt.date | None, dt.date | None]


def in_range(conference: Conference, days: Range, field: str) -> Q:
    """Condition on a field of instants: within local days of the conference, either end open."""
    first, last = days
    condition = Q()
    if first is not None:
        condition &= Q(**{f"{field}__gte": _ms(day_bounds(conference.time_zone, first)[0])})
    if last is not None:
        condition &= Q(**{f"{field}__lt": _ms(day_bounds(conference.time_zone, last)[1])})
    return condition


def get_conversions(conference: Conference, days: Range) -> QuerySet[ShareConversion]:
    """Share conversions whose registration was on these days, the latest first."""
    return ShareConversion.objects.filter(
        in_range(conference, days, "frozen_ms"), conference_id=conference.id
    ).order_by("-frozen_ms", "-registrant_id")


def get_page(
    conversions: QuerySet[ShareConversion], *, limit: int, cursor: str = ""
) -> tuple[list[ShareConversion], str | None]:
    """A page, and the cursor of the next. Raises BadCursorError."""
    if cursor:
        ms, key = decode_cursor(cursor)
        conversions = conversions.filter(frozen_ms__lte=ms).filter(
            Q(frozen_ms__lt=ms) | Q(registrant_id__lt=key)
        )
    found = list(conversions[: limit + 1])
    if len(found) <= limit:
        return found, None
    return found[:limit], encode_cursor(found[limit - 1].frozen_ms, found[limit - 1].registrant_id)


def conversion_rows(conversions: Sequence[ShareConversion], model: str = DEFAULT) -> list[dict[str, Any]]:
    """Conversions with their credits under a model and what was not credited, in two queries for each 500."""
    weigh = CREDIT_MODELS[model].weigh
    rows = []
    for start in range(0, len(conversions), _AT_ONCE):
        part = conversions[start : start + _AT_ONCE]
        keys = [conversion.registrant_id for conversion in part]
        credits: dict[str, list[Credit]] = {}
        for credit in (
            Credit.objects.filter(conversion_id__in=keys).select_related("link").order_by("distance")
        ):
            credits.setdefault(credit.conversion_id, []).append(credit)
        refused: dict[str, list[NotCredited]] = {}
        for item in NotCredited.objects.filter(registrant_id__in=keys).order_by("distance", "link_key"):
            refused.setdefault(item.registrant_id, []).append(item)
        for conversion in part:
            chain = credits.get(conversion.registrant_id, [])
            weights = weigh([credit.age_ms for credit in chain]) if chain else []
            rows.append(
                {
                    "registration_id": conversion.registrant_id.partition("/")[2],
                    "frozen_at": conversion.frozen_at.isoformat(),
                    "credits": [
                        {
                            "code": credit.link.code,
                            "sharer": credit.link.sharer,
                            "channel": credit.link.channel,
                            "distance": credit.distance,
                            "kind": "assisted" if place else "direct",
                            "credit": weight,
                        }
                        for place, (credit, weight) in enumerate(zip(chain, weights, strict=True))
                    ],
                    "not_credited": [refusal_row(item) for item in refused.get(conversion.registrant_id, [])],
                }
            )
    return rows


def refusal_row(item: NotCredited) -> dict[str, Any]:
    conference_id, _, code = item.link_key.partition("/")
    reason = item.reason
    if reason == Reason.UNKNOWN_CODE and _is_known_elsewhere(conference_id, code):
        reason = "foreign_code"
    label = REASON_LABELS.get(Reason(item.reason), "") if item.reason in set(Reason) else item.reason
    return {
        "code": code.removeprefix("!"),
        "reason": reason,
        "message": str(label),
        "distance": item.distance,
    }


def _is_known_elsewhere(conference_id: str, code: str) -> bool:
    return ShareLink.objects.filter(code=code).exclude(conference_id=conference_id).exists()


def get_registration_path(conference_id: str, registration_id: str) -> dict[str, Any] | None:
    """From a registration to the root: what it credits and what it does not; None: no such registration."""
    if "\0" in registration_id:  # which PostgreSQL refuses even to compare
        return None
    registrant = Registrant.objects.filter(id=f"{conference_id}/{registration_id}").first()
    if registrant is None:
        return None
    conversion = ShareConversion.objects.filter(registrant=registrant).first()
    if conversion is not None:
        row = conversion_rows([conversion])[0]
    else:
        refused = NotCredited.objects.filter(registrant=registrant).order_by("distance", "link_key")
        row = {
            "registration_id": registration_id,
            "frozen_at": registrant.registered_at.isoformat(),
            "credits": [],
            "not_credited": [refusal_row(item) for item in refused],
        }
    return {"conference_id": conference_id, **row}


def iterate_credits(conference: Conference, days: Range, model: str) -> Iterator[dict[str, Any]]:
    """A row for every credit, for exports; any number in constant memory."""
    cursor: str | None = ""
    conversions = get_conversions(conference, days)
    while cursor is not None:
        page, cursor = get_page(conversions, limit=_AT_ONCE, cursor=cursor)
        for row in conversion_rows(page, model):
            for credit in row["credits"]:
                yield {
                    "registration_id": row["registration_id"],
                    "frozen_at": row["frozen_at"],
                    "model": model,
                    **credit,
                }


def get_totals(conference: Conference, days: Range) -> dict[str, int]:
    """Distinct share conversions, and the number of credits they give under the default model."""
    conversions = get_conversions(conference, days)
    return {
        "share_conversions": conversions.count(),
        "credits": Credit.objects.filter(conversion__in=conversions.order_by()).count(),
    }


def get_leaderboard(conference: Conference, days: Range, model: str) -> list[dict[str, Any]]:
    """Sharers by their credit under a model, highest first; registrations are distinct per sharer."""
    if model != DEFAULT or days != (None, None):
        return _summed(conference, days, model, "sharer")
    # As the links' own counters have it: a sharer is credited once per registration.
    found = (
        ShareLink.objects.filter(conference_id=conference.id).values("sharer")
        .annotate(direct=Sum("direct"), assisted=Sum("assisted"))
        .annotate(registrations=F("direct") + F("assisted")).filter(registrations__gt=0)
        .order_by("-registrations", "sharer")
    )  # fmt: skip
    return [{**row, "credit": float(row["registrations"])} for row in found]


def get_channels(conference: Conference, days: Range, model: str) -> list[dict[str, Any]]:
    """Channels by their credit under a model, with links, opens and distinct openers per link of all time."""
    rows = {row["channel"]: row for row in _summed(conference, days, model, "channel")}
    links = ShareLink.objects.filter(conference_id=conference.id).values("channel")
    for found in links.annotate(links=Count("id"), opens=Sum("opens"), openers=Sum("openers")).order_by():
        row = rows.setdefault(
            found["channel"],
            {"channel": found["channel"], "credit": 0.0, "registrations": 0, "direct": 0, "assisted": 0},
        )
        row.update(links=found["links"], opens=found["opens"], openers=found["openers"])
    return sorted(rows.values(), key=lambda row: (-row["credit"], row["channel"]))


def _summed(conference: Conference, days: Range, model: str, by: str) -> list[dict[str, Any]]:
    rows: dict[str, dict[str, Any]] = {}
    last: dict[str, str] = {}
    for credit in iterate_credits(conference, days, model):
        name = credit[by]
        row = rows.setdefault(name, {by: name, "credit": 0.0, "registrations": 0, "direct": 0, "assisted": 0})
        row["credit"] += credit["credit"]
        row[credit["kind"]] += 1
        if last.get(name) != credit["registration_id"]:
            last[name] = credit["registration_id"]
            row["registrations"] += 1
    return sorted(rows.values(), key=lambda row: (-row["credit"], row[by]))


def get_k_factor(conference: Conference, days: Range) -> dict[str, Any]:
    """Attributed registrations of these days / distinct sharers of links first shared on them."""
    conversions = get_conversions(conference, days).count()
    sharers = (
        ShareLink.objects.filter(in_range(conference, days, "first_ms"), conference_id=conference.id)
        .values("sharer").distinct().count()
    )  # fmt: skip
    return {
        "share_conversions": conversions,
        "sharers": sharers,
        "k_factor": conversions / sharers if sharers else None,
    }


def get_timeline(conference: Conference, first: dt.date, last: dt.date) -> list[dict[str, Any]]:
    """Shares, opens and share conversions of each local day from `first` to `last`, both included."""
    opens = dict(
        Event.objects.filter(
            conference_id=conference.id, local_date__gte=first, local_date__lte=last, is_bot=False,
            type="share_open",
        ).values_list("local_date").annotate(count=Count("*")).order_by()
    )  # fmt: skip
    rows = []
    for offset in range((last - first).days + 1):
        day = first + dt.timedelta(days=offset)
        on_day = (day, day)
        rows.append(
            {
                "date": day.isoformat(),
                "shares": ShareLink.objects.filter(
                    in_range(conference, on_day, "first_ms"), conference_id=conference.id
                ).count(),
                "opens": opens.get(day, 0),
                "share_conversions": get_conversions(conference, on_day).count(),
            }
        )
    return rows


def _ms(instant: dt.datetime) -> int:
    return round(instant.timestamp() * 1000)
