"""Load and store the outcomes of registrations: credits, and codes that were not credited."""

from collections.abc import Collection

from sharing.derivation import bulk
from sharing.models import Credit, NotCredited, ShareConversion, StaleRegistration
from sharing.rules.attribution import MAX_DEPTH, Credited, Outcome, Uncredited
from sharing.rules.reasons import Reason


def load_outcomes(registrations: Collection[str]) -> dict[str, Outcome]:
    """Load the stored outcomes of these registrations."""
    given: dict[str, list[Credited]] = {}
    refused: dict[str, list[Uncredited]] = {}
    refused_ms: dict[str, int] = {}
    for registration, *credit in bulk.fetch(
        "SELECT conversion_id, link_id, distance, age_ms, sharer, channel "  # noqa: S608
        f"FROM {{keys}} JOIN {Credit._meta.db_table} ON conversion_id = keys.key ORDER BY distance",
        registrations,
    ):
        given.setdefault(registration, []).append(Credited(*credit))
    for registration, key, reason, distance, ms in bulk.fetch(
        "SELECT registration_id, link_key, reason, distance, registered_ms "  # noqa: S608
        f"FROM {{keys}} JOIN {NotCredited._meta.db_table} ON registration_id = keys.key",
        registrations,
    ):
        refused_ms[registration] = ms
        refused.setdefault(registration, []).append(Uncredited(key, Reason(reason), distance))
    return {
        registration: Outcome(
            tuple(given.get(registration, ())),
            tuple(sorted(refused.get(registration, ()), key=lambda item: (item.key, item.reason))),
            refused_ms.get(registration, 0),
        )
        for registration in given.keys() | refused.keys()
    }


_CONVERSIONS_BELOW = """
    WITH RECURSIVE below(key, depth) AS (
        SELECT link.id, 0 FROM {keys} JOIN sharing_sharelink link ON link.id = keys.key
        UNION
        SELECT link.id, below.depth + 1 FROM below JOIN sharing_sharelink link ON link.parent_id = below.key
        WHERE below.depth < %s
    )
    SELECT conversion.registration_id FROM below JOIN sharing_shareconversion conversion
    ON conversion.nearest_id = below.key
"""


def find_registrations_of(stored: Collection[str], new: Collection[str]) -> set[str]:
    """Find the registrations that credit or refuse one of these links in the stored tree, and some more.

    The direct credit goes to the first link of the chain that can be credited. So each link of a chain is
    that link, one of its ancestors up to MAX_DEPTH above, or stored as refused. `new` links are not in the
    stored tree, so nothing is below them.
    """
    rows = bulk.fetch(_CONVERSIONS_BELOW, stored, MAX_DEPTH) + bulk.fetch(
        f"SELECT registration_id FROM {{keys}} JOIN {NotCredited._meta.db_table} ON link_key = keys.key",  # noqa: S608
        [*stored, *new],
    )
    return {registration for (registration,) in rows}


def load_conversion_times(registrations: Collection[str]) -> dict[str, int]:
    """The stored times (UTC ms) of the share conversions among these registrations."""
    rows = bulk.fetch(
        "SELECT registration_id, registered_ms "  # noqa: S608
        f"FROM {{keys}} JOIN {ShareConversion._meta.db_table} ON registration_id = keys.key",
        registrations,
    )
    return dict(rows)


def replace_outcomes(
    former: dict[str, Outcome],
    outcomes: dict[str, Outcome],
    registered_ms: dict[str, int],
    reported: Collection[str],
) -> None:
    """Write the outcomes that differ from `former`, the stored ones.

    reported: the registrations that nothing confirms.
    """
    changed = [key for key, outcome in outcomes.items() if former.get(key, Outcome()) != outcome]
    stale = [key for key in changed if key in former]
    bulk.delete(NotCredited, "registration_id", stale)
    bulk.delete(Credit, "conversion_id", stale)
    bulk.delete(ShareConversion, "registration_id", stale)
    conversions, given, refused = [], [], []
    for key in changed:
        outcome = outcomes[key]
        if outcome.credits:
            nearest = outcome.credits[0].key
            conversions.append((key, key.partition("/")[0], nearest, registered_ms[key], +(key in reported)))
        given += [
            (key, item.key, item.distance, item.age_ms, item.sharer, item.channel) for item in outcome.credits
        ]
        about = (key.partition("/")[0], registered_ms[key])
        refused += [(key, item.key, item.reason.value, item.distance, *about) for item in outcome.refused]
    bulk.insert(
        ShareConversion,
        ("registration_id", "conference_id", "nearest_id", "registered_ms", "is_reported"),
        conversions,
    )
    bulk.insert(Credit, ("conversion_id", "link_id", "distance", "age_ms", "sharer", "channel"), given)
    bulk.insert(
        NotCredited,
        ("registration_id", "link_key", "reason", "distance", "conference_id", "registered_ms"),
        refused,
    )


def note_confirmed(registrations: dict[str, bool]) -> None:
    """Write whether stored share conversions are confirmed by now: registration → whether it is."""
    rows = [(+(not is_confirmed), key) for key, is_confirmed in registrations.items()]
    bulk.update(ShareConversion, ("is_reported",), rows)


def put_aside(registrations: Collection[str]) -> None:
    """Leave these registrations for later transactions to derive again."""
    known = bulk.fetch(
        f"SELECT id FROM {{keys}} JOIN {StaleRegistration._meta.db_table} ON id = keys.key",  # noqa: S608
        registrations,
    )
    new = set(registrations).difference(key for (key,) in known)
    bulk.insert(StaleRegistration, ("id", "conference_id"), [(key, key.partition("/")[0]) for key in new])
