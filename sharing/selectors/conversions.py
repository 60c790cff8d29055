"""Share conversions, and the credits of each under a model."""

from collections.abc import Sequence
from itertools import groupby
from operator import itemgetter
from typing import Annotated, Any, NamedTuple

import msgspec
from django.db import connection
from django.db.models import QuerySet

from conferences.models import Conference
from meeteasy.core.paging import encode_cursor, read_cursor, read_page
from sharing.derivation.bulk import fetch
from sharing.models import NotCredited, ShareConversion, ShareRegistration
from sharing.rules.codes import code_of
from sharing.rules.credit_models import CREDIT_MODELS, DEFAULT, SCALE
from sharing.selectors.days import FIRST_MS, LAST_MS, Range, get_bounds, in_range
from sharing.selectors.not_credited import load_not_credited

# Lists show this many places of the chain from a registration to the root, the nearest ones.
PLACES_IN_LIST = 50
_ALL_PLACES = range(1, 2**31 - 1)
# What the cursor of a chain holds.
_Place = tuple[Annotated[int, msgspec.Meta(ge=1, le=10**9)]]


# Those of days are counted from an index; the number of all time is kept (derivation/sums.py).
_COUNT_OF_DAYS = (
    "SELECT COUNT(*) FROM sharing_shareconversion "
    "WHERE conference_id = %s AND registered_ms >= %s AND registered_ms < %s"
)
_COUNT_ALL = "SELECT SUM(registrations) FROM sharing_creditsum WHERE conference_id = %s AND kind = 'total'"
_COUNT_REPORTED = f"({_COUNT_OF_DAYS} AND is_reported)"

# Not by the ORM, which takes nearly as long to write this as a database to answer it.
_CREDITS = (
    "SELECT credit.conversion_id, credit.age_ms, credit.distance, credit.link_id, conversion.nearest_id, "
    "credit.sharer, credit.channel FROM {keys} "
    "JOIN sharing_shareconversion conversion ON conversion.registration_id = keys.key "
    "JOIN sharing_credit credit ON credit.conversion_id = keys.key "
    "WHERE credit.distance >= %s AND credit.distance < %s"
)


def get_conversions(conference: Conference, days: Range) -> QuerySet[ShareConversion]:
    """The share conversions whose registration was on these days."""
    return ShareConversion.objects.filter(
        in_range(conference, days, "registered_ms"), conference_id=conference.id
    )


def count_conversions(conference: Conference, days: Range) -> dict[str, int]:
    """The number of share conversions, and of those with nothing but a client's report behind them."""
    start_ms, end_ms = get_bounds(conference, days)
    of_days: list[Any] = [
        conference.id,
        FIRST_MS if start_ms is None else start_ms,
        LAST_MS if end_ms is None else end_ms,
    ]
    count, of_count = (_COUNT_ALL, [conference.id]) if days == (None, None) else (_COUNT_OF_DAYS, of_days)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT COALESCE(({count}), 0), {_COUNT_REPORTED}", [*of_count, *of_days])
        conversions, reported = cursor.fetchone()
    return {"share_conversions": conversions, "registrations_reported": reported}


def get_page(
    conversions: QuerySet[ShareConversion], *, limit: int, cursor: str = ""
) -> tuple[list[ShareConversion], str | None]:
    """A page, latest registration first, and the cursor of the next page. Raises BadCursorError."""
    return read_page(conversions, ("-registered_ms", "-registration_id"), limit=limit, cursor=cursor)


DIRECT, ASSISTED = "direct", "assisted"


class CreditedLink(msgspec.Struct, frozen=True, gc=False):
    """A link's part in a registration under a credit model. distance: 1 is the link that was opened.
    kind: DIRECT or ASSISTED."""

    code: str
    sharer: str
    channel: str
    distance: int
    kind: str
    credit: float

    @property
    def is_direct(self) -> bool:
        return self.kind == DIRECT


class CreditPath(NamedTuple):
    """A part of the chain from a registration to the root. next: the cursor of the following part."""

    credits: list[CreditedLink]
    not_credited: list[NotCredited]
    next: str | None


def read_paths(
    registration_keys: Sequence[str], model: str = DEFAULT, *, limit: int = PLACES_IN_LIST, cursor: str = ""
) -> dict[str, CreditPath]:
    """Read `limit` places of each registration's chain, the nearest first, under a credit model.

    registration_keys: `<conference id>/<registration id>`. The part with the first place also has the
    uncredited codes that have no place in the chain. Takes two queries. Raises BadCursorError.
    """
    (first,) = read_cursor(cursor, _Place) if cursor else (1,)
    end = first + limit
    with_next = range(first, end + 1)
    credits = _read_credits(registration_keys, model, with_next)
    not_credited = load_not_credited(registration_keys, with_next)
    paths = {}
    for key in registration_keys:
        credited, others = credits.get(key, []), not_credited.get(key, [])
        goes_on = any(item.distance == end for item in credited) or any(
            item.distance == end for item in others
        )
        paths[key] = CreditPath(
            [item for item in credited if item.distance != end],
            [item for item in others if item.distance != end],
            encode_cursor(end) if goes_on else None,
        )
    return paths


def read_all_credits(registration_keys: Sequence[str], model: str) -> dict[str, list[CreditedLink]]:
    """All credits of these registrations under a credit model, for an export."""
    return _read_credits(registration_keys, model, _ALL_PLACES)


def find_registration(conference_id: str, registration_id: str) -> ShareRegistration | None:
    if "\0" in registration_id:  # PostgreSQL refuses even to compare it
        return None
    return ShareRegistration.objects.filter(id=f"{conference_id}/{registration_id}").first()


def _read_credits(
    registration_keys: Sequence[str], model: str, places: range
) -> dict[str, list[CreditedLink]]:
    """The credits at these places of each registration's chain, nearest first."""
    divide = CREDIT_MODELS[model].divide
    # Each credit of the default model is 1, independent of the rest of the chain.
    read = places if model == DEFAULT else _ALL_PLACES
    rows = fetch(_CREDITS, registration_keys, read.start, read.stop)
    rows.sort(key=itemgetter(0, 2))
    credits = {}
    for key, group in groupby(rows, key=itemgetter(0)):
        chain = list(group)
        units = divide([age_ms for _, age_ms, *_ in chain])
        credits[key] = [
            CreditedLink(
                code_of(link),
                sharer,
                channel,
                distance,
                DIRECT if link == nearest else ASSISTED,
                part / SCALE,
            )
            for (_, _, distance, link, nearest, sharer, channel), part in zip(chain, units, strict=True)
            if distance in places
        ]
    return credits
