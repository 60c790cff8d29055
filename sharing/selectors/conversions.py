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
from sharing.selectors.paging import PAGE_OF_EXPORT, iterate_pages, read_page
from sharing.selectors.refusals import load_refusals, refusal_row


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
    """Conversions with their credits under a model and what was not credited. Two queries."""
    keys = [conversion.registrant_id for conversion in conversions]
    credits = _credit_rows(keys, model)
    refusals = load_refusals(keys)
    return [
        {
            "registration_id": conversion.registrant_id.partition("/")[2],
            "frozen_at": conversion.frozen_at.isoformat(),
            "credits": credits.get(conversion.registrant_id, []),
            "not_credited": [refusal_row(item) for item in refusals.get(conversion.registrant_id, [])],
        }
        for conversion in conversions
    ]


def iterate_credits(conference: Conference, days: Range, model: str) -> Iterator[dict[str, Any]]:
    """A row for every credit, for exports; any number in constant memory."""
    conversions = get_conversions(conference, days)
    for page in iterate_pages(lambda cursor: get_page(conversions, limit=PAGE_OF_EXPORT, cursor=cursor)):
        credits = _credit_rows([conversion.registrant_id for conversion in page], model)
        for conversion in page:
            same = {
                "registration_id": conversion.registrant_id.partition("/")[2],
                "frozen_at": conversion.frozen_at.isoformat(),
                "model": model,
            }
            for credit in credits.get(conversion.registrant_id, []):
                yield {**same, **credit}


def get_registration_path(conference_id: str, registration_id: str) -> dict[str, Any] | None:
    """From a registration to the root: what it credits and what it does not; None: no such registration."""
    if "\0" in registration_id:  # which PostgreSQL refuses even to compare
        return None
    registrant = Registrant.objects.filter(id=f"{conference_id}/{registration_id}").first()
    if registrant is None:
        return None
    return {
        "conference_id": conference_id,
        "registration_id": registration_id,
        "frozen_at": registrant.registered_at.isoformat(),
        "credits": _credit_rows([registrant.id], DEFAULT).get(registrant.id, []),
        "not_credited": [refusal_row(item) for item in load_refusals([registrant.id]).get(registrant.id, [])],
    }


def _credit_rows(conversions: Sequence[str], model: str) -> dict[str, list[dict[str, Any]]]:
    """The credits of each of these conversions that has any, nearest first."""
    weigh = CREDIT_MODELS[model].weigh
    # No objects: an export has millions of these, and each would cost several times its row.
    found = (
        Credit.objects.filter(conversion_id__in=conversions).order_by("conversion_id", "distance")
        .values_list("conversion_id", "age_ms", "distance", "link__code", "link__sharer", "link__channel")
    )  # fmt: skip
    rows = {}
    for key, group in groupby(found, key=itemgetter(0)):
        chain = list(group)
        rows[key] = [
            {
                "code": code,
                "sharer": sharer,
                "channel": channel,
                "distance": distance,
                "kind": "assisted" if place else "direct",
                "credit": credit,
            }
            for place, ((_, _, distance, code, sharer, channel), credit) in enumerate(
                zip(chain, weigh([age_ms for _, age_ms, *_ in chain]), strict=True)
            )
        ]
    return rows
