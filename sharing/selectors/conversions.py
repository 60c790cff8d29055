"""Share conversions, and what each credits under a model."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

from django.db.models import QuerySet

from conferences.models import Conference
from sharing.credit_models import CREDIT_MODELS, DEFAULT
from sharing.models import Credit, Registrant, ShareConversion
from sharing.selectors.days import Range, in_range
from sharing.selectors.opens import get_opened_by
from sharing.selectors.paging import PAGE_OF_EXPORT, iterate_pages, read_page
from sharing.selectors.refusals import load_refusals, refusal_row

# Of the way from a registration to the root, as many places stand in lists, the nearest.
PLACES_IN_LIST = 50
_ALL_PLACES = range(1, 2**31 - 1)


def get_conversions(conference: Conference, days: Range) -> QuerySet[ShareConversion]:
    """Share conversions whose registration was on these days."""
    return ShareConversion.objects.filter(
        in_range(conference, days, "frozen_ms"), conference_id=conference.id
    )


def get_page(
    conversions: QuerySet[ShareConversion], *, limit: int, cursor: str = ""
) -> tuple[list[ShareConversion], str | None]:
    """A page, the latest registration first, and the cursor of the next. Raises BadCursorError."""
    return read_page(conversions, ("-frozen_ms", "-registrant_id"), limit=limit, cursor=cursor)


def conversion_rows(conversions: Sequence[ShareConversion], model: str = DEFAULT) -> list[dict[str, Any]]:
    """Conversions with the nearest places of their ways to the root. Two queries."""
    keys = [conversion.registrant_id for conversion in conversions]
    ways = _read_ways(keys, model, range(1, PLACES_IN_LIST + 1))
    return [
        {
            "registration_id": conversion.registrant_id.partition("/")[2],
            "frozen_at": conversion.frozen_at.isoformat(),
            **ways[conversion.registrant_id],
        }
        for conversion in conversions
    ]


def iterate_credits(conference: Conference, days: Range, model: str) -> Iterator[dict[str, Any]]:
    """A row for every credit, for exports; any number in constant memory."""
    conversions = get_conversions(conference, days)
    for page in iterate_pages(lambda cursor: get_page(conversions, limit=PAGE_OF_EXPORT, cursor=cursor)):
        credits = _credit_rows([conversion.registrant_id for conversion in page], model, _ALL_PLACES)
        for conversion in page:
            same = {
                "registration_id": conversion.registrant_id.partition("/")[2],
                "frozen_at": conversion.frozen_at.isoformat(),
                "model": model,
            }
            for credit in credits.get(conversion.registrant_id, []):
                yield {**same, **credit}


def get_registration_path(
    conference_id: str, registration_id: str, *, model: str, first: int, limit: int
) -> dict[str, Any] | None:
    """From a registration to the root, `limit` places from the `first` on (1: the nearest): what it credits
    under a model and what it does not; and what the registrant opened. None: no such registration."""
    if "\0" in registration_id:  # which PostgreSQL refuses even to compare
        return None
    registrant = Registrant.objects.filter(id=f"{conference_id}/{registration_id}").first()
    if registrant is None:
        return None
    return {
        "conference_id": conference_id,
        "registration_id": registration_id,
        "frozen_at": registrant.registered_at.isoformat(),
        "opened": get_opened_by(conference_id, registrant.visitor),
        **_read_ways([registrant.id], model, range(first, first + limit))[registrant.id],
    }


def _read_ways(registrants: Sequence[str], model: str, places: range) -> dict[str, dict[str, Any]]:
    """Of each of these registrants' ways to the root these places (1: the nearest): `credits` under a model,
    `not_credited`, and `next`, the place after them if the way goes on.

    What is not credited and has no place in the way comes with the first. Two queries.
    """
    with_next = range(places.start, places.stop + 1)
    credits = _credit_rows(registrants, model, with_next)
    refusals = load_refusals(registrants, with_next)
    ways: dict[str, dict[str, Any]] = {}
    for key in registrants:
        credited = credits.get(key, [])
        refused = [refusal_row(item) for item in refusals.get(key, [])]
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
