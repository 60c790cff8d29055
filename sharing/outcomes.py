"""What follows for registrations, as it is stored: credits, and what is not credited."""

from collections.abc import Collection

from sharing import bulk
from sharing.attribution import Given, Outcome, Reason, Refused
from sharing.models import Credit, NotCredited, ShareConversion


def load_outcomes(registrants: Collection[str]) -> dict[str, Outcome]:
    """What is stored as following for these registrants."""
    given: dict[str, list[Given]] = {}
    refused: dict[str, list[Refused]] = {}
    for registrant, key, distance, age_ms in bulk.fetch(
        "SELECT conversion_id, link_id, distance, age_ms "  # noqa: S608
        f"FROM {{keys}} JOIN {Credit._meta.db_table} ON conversion_id = keys.key ORDER BY distance",
        registrants,
    ):
        given.setdefault(registrant, []).append(Given(key, distance, age_ms))
    for registrant, key, reason, distance in bulk.fetch(
        "SELECT registrant_id, link_key, reason, distance "  # noqa: S608
        f"FROM {{keys}} JOIN {NotCredited._meta.db_table} ON registrant_id = keys.key",
        registrants,
    ):
        refused.setdefault(registrant, []).append(Refused(key, Reason(reason), distance))
    return {
        registrant: Outcome(
            tuple(given.get(registrant, ())),
            tuple(sorted(refused.get(registrant, ()), key=lambda item: (item.key, item.reason))),
        )
        for registrant in given.keys() | refused.keys()
    }


_CONVERSIONS_BELOW = """
    WITH RECURSIVE below(key, conference_id) AS (
        SELECT link.id, link.conference_id FROM {keys} JOIN sharing_sharelink link ON link.id = keys.key
        UNION
        SELECT link.id, link.conference_id FROM below JOIN sharing_sharelink link
        ON link.conference_id = below.conference_id AND link.parent_id = below.key
    )
    SELECT conversion.registrant_id FROM below JOIN sharing_shareconversion conversion
    ON conversion.nearest_id = below.key
"""


def find_registrants_of(stored: Collection[str], new: Collection[str]) -> set[str]:
    """Those that have, or were refused, a credit of one of these links as the tree is stored, and some more.

    The link that is credited directly is the first of the chain that may be credited at all. So a link of
    the chain is that one, an ancestor of it, or it was refused and is named as such. Below links that are
    `new`, and so not in the stored tree, nothing is.
    """
    rows = bulk.fetch(_CONVERSIONS_BELOW, stored) + bulk.fetch(
        f"SELECT registrant_id FROM {{keys}} JOIN {NotCredited._meta.db_table} ON link_key = keys.key",  # noqa: S608
        [*stored, *new],
    )
    return {registrant for (registrant,) in rows}


def replace_outcomes(
    former: dict[str, Outcome], outcomes: dict[str, Outcome], registered_ms: dict[str, int]
) -> None:
    """Write what follows for registrants where it differs from `former`, which is what is stored."""
    changed = [key for key, outcome in outcomes.items() if former.get(key, Outcome()) != outcome]
    stale = [key for key in changed if key in former]
    bulk.delete(NotCredited, "registrant", stale)
    bulk.delete(Credit, "conversion", stale)
    bulk.delete(ShareConversion, "registrant", stale)
    conversions, given, refused = [], [], []
    for key in changed:
        outcome = outcomes[key]
        if outcome.credits:
            nearest = outcome.credits[0].key
            conversions.append((key, key.partition("/")[0], nearest, registered_ms[key]))
        given += [(key, item.key, item.distance, item.age_ms) for item in outcome.credits]
        refused += [(key, item.key, item.reason.value, item.distance) for item in outcome.refused]
    bulk.insert(ShareConversion, ("registrant_id", "conference_id", "nearest_id", "frozen_ms"), conversions)
    bulk.insert(Credit, ("conversion_id", "link_id", "distance", "age_ms"), given)
    bulk.insert(NotCredited, ("registrant_id", "link_key", "reason", "distance"), refused)
