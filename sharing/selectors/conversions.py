"""Share conversions, and what each credits under a model."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

from django.db.models import QuerySet

from conferences.models import Conference
from meeteasy.core.paging import PAGE_OF_EXPORT, iterate_pages, read_page
from sharing.models import Credit, ShareConversion, ShareRegistration
from sharing.rules.credit_models import CREDIT_MODELS, DEFAULT
from sharing.selectors.days import Range, in_range
from sharing.selectors.not_credited import load_not_credited, not_credited_row
from sharing.selectors.opens import get_opened_by

# Of the way from a registration to the root, as many places stand in lists, the nearest.
PLACES_IN_LIST = 50
_ALL_PLACES = range(1, 2**31 - 1)


def get_conversions(conference: Conference, days: Range) -> QuerySet[ShareConversion]:
    """Share conversions whose registration was on these days."""
    return ShareConversion.objects.filter(
        in_range(conference, days, "registered_ms"), conference_id=conference.id
    )


def get_page(
    conversions: QuerySet[ShareConversion], *, limit: int, cursor: str = ""
) -> tuple[list[ShareConversion], str | None]:
    """A page, the latest registration first, and the cursor of the next. Raises BadCursorError."""
    return read_page(conversions, ("-registered_ms", "-registration_id"), limit=limit, cursor=cursor)


def conversion_rows(conversions: Sequence[ShareConversion], model: str = DEFAULT) -> list[dict[str, Any]]:
    """Conversions with the nearest places of their ways to the root. Two queries."""
    keys = [conversion.registration_id for conversion in conversions]
    ways = _read_ways(keys, model, range(1, PLACES_IN_LIST + 1))
    return [
        {
            "registration_id": conversion.registration_id.partition("/")[2],
            "registered_at": conversion.registered_at.isoformat(),
            **ways[conversion.registration_id],
        }
        for conversion in conversions
    ]


def iterate_credits(conference: Conference, days: Range, model: str) -> Iterator[dict[str, Any]]:
    """A row for every credit, for exports; any number in constant memory."""
    conversions = get_conversions(conference, days)
    for page in iterate_pages(lambda cursor: get_page(conversions, limit=PAGE_OF_EXPORT, cursor=cursor)):
        credits = _credit_rows([conversion.registration_id for conversion in page], model, _ALL_PLACES)
        for conversion in page:
            same = {
                "registration_id": conversion.registration_id.partition("/")[2],
                "registered_at": conversion.registered_at.isoformat(),
                "model": model,
            }
            for credit in credits.get(conversion.registration_id, []):
                yield {**same, **credit}


def get_registration_path(
    conference_id: str, registration_id: str, *, model: str, first: int, limit: int
) -> dict[str, Any] | None:
    """From a registration to the root, `limit` places from the `first` on (1: the nearest): what it credits
    under a model and what it does not; and what the registrant opened. None: no such registration."""
    if "\0" in registration_id:  # which PostgreSQL refuses even to compare
        return None
    registration = ShareRegistration.objects.filter(id=f"{conference_id}/{registration_id}").first()
    if registration is None:
        return None
    return {
        "conference_id": conference_id,
        "registration_id": registration_id,
        "registered_at": registration.registered_at.isoformat(),
        "opened": get_opened_by(conference_id, registration.visitor),
        **_read_ways([registration.id], model, range(first, first + limit))[registration.id],
    }


def _read_ways(registrations: Sequence[str], model: str, places: range) -> dict[str, dict[str, Any]]:
    """These places (1: the nearest) of each registration's way to the root: `credits` under a model,
    `not_credited`, and `next`, the place after them if the way goes on.

    What is not credited and has no place in the way comes with the first. Two queries.
    """
    with_next = range(places.start, places.stop + 1)
    credits = _credit_rows(registrations, model, with_next)
    refusals = load_not_credited(registrations, with_next)
    ways: dict[str, dict[str, Any]] = {}
    for key in registrations:
        credited = credits.get(key, [])
        refused = [not_credited_row(item) for item in refusals.get(key, [])]
        goes_on = any(row["distance"] == places.stop for row in (*credited, *refused))
        ways[key] = {
            "credits": [row for row in credited if row["distance"] != places.stop],
            "not_credited": [row for row in refused if row["distance"] != places.stop],
            "next": places.stop if goes_on else None,
        }
    return ways


def _credit_rows(conversions: Sequence[str], model: str, places: range) -> dict[str, list[dict[str, Any]]]:
    """The credits of each of these conversions that has any at these places of its way, nearest first."""
    weigh = CREDIT_MODELS[model].weigh
    found = Credit.objects.filter(conversion_id__in=conversions)
    if model == DEFAULT:  # 1 each, whatever the rest of the chain is
        found = found.filter(distance__gte=places.start, distance__lt=places.stop)
    # No objects: an export has millions of these, and each would cost several times its row.
    values = found.order_by("conversion_id", "distance").values_list(
        "conversion_id", "age_ms", "distance", "link_id", "conversion__nearest_id", "link__code",
        "link__sharer", "link__channel",
    )  # fmt: skip
    rows = {}
    for key, group in groupby(values.iterator(chunk_size=5000), key=itemgetter(0)):
        chain = list(group)
        weights = weigh([age_ms for _, age_ms, *_ in chain])
        rows[key] = [
            {
                "code": code,
                "sharer": sharer,
                "channel": channel,
                "distance": distance,
                "kind": "direct" if link == nearest else "assisted",
                "credit": credit,
            }
            for (_, _, distance, link, nearest, code, sharer, channel), credit in zip(
                chain, weights, strict=True
            )
            if distance in places
        ]
    return rows
