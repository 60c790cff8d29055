"""Load the part of the tree and the opens that a change affects, and write back the links."""

from collections.abc import Collection, Iterable
from operator import attrgetter
from typing import Any

import msgspec
from django.db.models import BooleanField, Model, QuerySet, Value
from django.db.models.functions import StrIndex, Substr

from meeteasy.core.folding import fold
from sharing.derivation import bulk
from sharing.models import (
    QuarterSum,
    QuarterVersion,
    RegistrationStanding,
    ShareClaim,
    ShareLink,
    ShareOpen,
    ShareRegistration,
)
from sharing.rules.forest import Forest, LinkState, Node
from sharing.rules.opens import Open

_COLUMNS = LinkState.__struct_fields__
_FLAGS = {field.column for field in ShareLink._meta.concrete_fields if isinstance(field, BooleanField)}
# Flags as numbers: sqlite3 calls a converter for each value of a column that is declared as bool.
_STATE = ", ".join(f"CAST(link.{name} AS integer)" if name in _FLAGS else f"link.{name}" for name in _COLUMNS)
# These refer to a row by its place in the table, which is smaller than its key and needs no index.
_CLOSED_PART = f"""
    WITH RECURSIVE part(place) AS (
        SELECT link.{{place}} FROM {{keys}} JOIN sharing_sharelink link ON link.id = keys.key
        UNION
        SELECT parent.{{place}} FROM part
        JOIN sharing_sharelink link ON link.{{place}} = part.place
        JOIN sharing_sharelink parent ON parent.id = link.claimed_parent
    )
    SELECT {_STATE} FROM part JOIN sharing_sharelink link ON link.{{place}} = part.place
"""  # noqa: S608  constants
_ORPHANS = f"""
    SELECT {_STATE} FROM {{keys}} JOIN sharing_sharelink link ON link.claimed_parent = keys.key
    WHERE link.claimed_parent > '' AND link.parent_id IS NULL
"""  # noqa: S608


def load_part(forest: Forest, keys: Iterable[str]) -> None:
    """Load the existing links of `keys` that are not in memory, with all links that their claims lead to.

    It takes one query at any depth. Links in memory stay as they are.
    """
    wanted = {key for key in keys if key not in forest.nodes}
    place = "ctid" if bulk.is_postgresql() else "rowid"
    for row in bulk.fetch(_CLOSED_PART.replace("{place}", place), wanted):
        if row[0] not in forest.nodes:
            forest.add(_node(row))


def load_orphans(forest: Forest, parents: Collection[str]) -> list[Node]:
    """Load and return the links that claim one of `parents`, which have just become known.

    None of these links has a parent in the stored tree yet.
    """
    orphans = []
    for row in bulk.fetch(_ORPHANS, parents):
        node = forest.get(row[0])
        if node is None:
            node = _node(row)
            forest.add(node)
        orphans.append(node)
    return orphans


def _node(row: tuple[Any, ...]) -> Node:
    node = Node(*row)
    node.loaded_parent, node.loaded_shared_ms = node.parent_id, node.shared_ms
    node.loaded_is_void, node.loaded_channel = node.is_void, node.channel
    return node


# Columns that change together: a new owner's data, the place in the tree, the counters, the first opens.
_OWNER = (
    "sharer", "channel", "is_minted", "is_proven", "is_automatic", "received_ms", "first_ms",
    "first_event_id",
)  # fmt: skip
_PLACE = ("claimed_parent", "parent_id", "closes_cycle", "is_contested", "is_void")
_COUNTERS = ("child_count", "direct", "assisted")
# Apart from the other counters: SQLite writes an index with each row that sets them, PostgreSQL all indexes.
_TOTALS = ("subtree_links", "subtree_conversions")
_FIRST_OPENS = ("shared_ms", "first_open_ms", "first_opener", "second_open_ms", "second_opener")
# Columns that this module writes but never reads.
_IDENTITY = ("conference_id", "code")
_TEXTS = ("sharer_user_id", "target_url", "label", "search_label")
_OPENED = ("opens", "openers")

_owner_of, _place_of, _counters_of = attrgetter(*_OWNER), attrgetter(*_PLACE), attrgetter(*_COUNTERS)
_first_opens_of, _state_of = attrgetter(*_FIRST_OPENS), attrgetter(*_COLUMNS)
_totals_of = attrgetter(*_TOTALS)


def save_links(
    nodes: Iterable[Node],
    *,
    with_new_owner: Collection[str],
    opened: dict[str, tuple[int, int]],
    opened_only: Iterable[Node],
    with_totals: Iterable[Node],
) -> None:
    """Write the rows of `nodes`: inserts, moves, counters, and the owner's data of those in `with_new_owner`.

    opened: link → (opens, openers) to add. opened_only: links of which only the first opens changed.
    with_totals: links whose totals changed, and perhaps nothing else.
    """
    inserted, replaced, moved, counted, added_up = [], [], [], [], []
    in_total = {node.id: node for node in with_totals}
    first_opens = [node for node in opened_only if node.has_new_opens]
    opened = dict(opened)
    for node in ({node.id: node for node in nodes} | in_total).values():
        opens = opened.pop(node.id, (0, 0))
        if node.is_new:
            conference_id, _, code = node.id.partition("/")
            inserted.append((*_state_of(node), conference_id, code, *_texts(node), *opens))
            continue
        if node.id in with_new_owner:
            replaced.append((*_owner_of(node), *_texts(node), node.id))
        if node.touched:
            moved.append((*_place_of(node), node.id))
        if node.has_new_opens:
            first_opens.append(node)
        if node.id in in_total:
            added_up.append((*_counters_of(node), *_totals_of(node), *opens, node.id))
        else:
            counted.append((*_counters_of(node), *opens, node.id))
    bulk.insert(ShareLink, (*_COLUMNS, *_IDENTITY, *_TEXTS, *_OPENED), inserted)
    bulk.update(ShareLink, (*_OWNER, *_TEXTS), replaced)
    bulk.update(ShareLink, _PLACE, moved)
    bulk.update(ShareLink, _FIRST_OPENS, [(*_first_opens_of(node), node.id) for node in first_opens])
    bulk.update(ShareLink, _COUNTERS, counted, added=_OPENED)
    bulk.update(ShareLink, (*_COUNTERS, *_TOTALS), added_up, added=_OPENED)
    bulk.update(ShareLink, (), [(*opens, key) for key, opens in opened.items()], added=_OPENED)


def save_totals(nodes: Iterable[Node]) -> None:
    bulk.update(ShareLink, _TOTALS, [(*_totals_of(node), node.id) for node in nodes])


def _texts(node: Node) -> tuple[object, ...]:
    user_id = int(node.sharer[5:]) if node.is_minted and node.sharer.startswith("user:") else None
    return (user_id, node.target_url, node.label, fold(node.label))


def _in_conferences(model: type[Model], key: str, conference_ids: Collection[str]) -> QuerySet[Any]:
    """The rows whose `key` begins with one of these conferences. No index covers them.

    The query compares the whole prefix, because SQLite's LIKE ignores case.
    """
    conference = Substr(key, 1, StrIndex(key, Value("/")) - 1)
    return model._default_manager.alias(of=conference).filter(of__in=conference_ids)


def claims_of(conference_ids: Collection[str]) -> QuerySet[ShareClaim]:
    """All claims to links of these conferences."""
    return _in_conferences(ShareClaim, "link_key", conference_ids)


def opens_of(conference_ids: Collection[str]) -> QuerySet[ShareOpen]:
    """All opens of codes in these conferences. Only the opens of a visitor have an index."""
    return _in_conferences(ShareOpen, "link_key", conference_ids)


def quarter_sums_of(conference_ids: Collection[str]) -> QuerySet[QuarterSum]:
    """All sums of quarter hours of these conferences."""
    return _in_conferences(QuarterSum, "id", conference_ids)


def quarter_versions_of(conference_ids: Collection[str]) -> QuerySet[QuarterVersion]:
    """The versions of the sums of quarter hours of these conferences."""
    return _in_conferences(QuarterVersion, "id", conference_ids)


def standings_of(conference_ids: Collection[str]) -> QuerySet[RegistrationStanding]:
    """All standings of registrations of these conferences."""
    return _in_conferences(RegistrationStanding, "id", conference_ids)


def load_links(keys: Collection[str]) -> dict[str, Node]:
    """Load links by their keys, without the links that their claims lead to."""
    rows = bulk.fetch(
        f"SELECT {_STATE} FROM {{keys}} JOIN {ShareLink._meta.db_table} link ON link.id = keys.key",  # noqa: S608
        keys,
    )
    return {row[0]: _node(row) for row in rows}


def load_opened(keys: Iterable[str]) -> dict[str, tuple[int, int]]:
    """The stored numbers of opens and openers of links."""
    rows = bulk.fetch(
        f"SELECT id, opens, openers FROM {{keys}} JOIN {ShareLink._meta.db_table} ON id = keys.key",  # noqa: S608
        list(keys),
    )
    return {key: (opens, openers) for key, opens, openers in rows}


def find_first_shares(sharers: dict[str, str]) -> dict[str, int]:
    """The time of the sharer's first share of each link, according to the claims: link → UTC ms.

    sharers: link → sharer. A claim that the sharer's browser made by itself is not a share.
    """
    table = ShareClaim._meta.db_table
    link, sharer = _pair_of_keys()
    rows = bulk.fetch(
        f"SELECT {link}, (SELECT ms FROM {table} WHERE link_key = {link} AND sharer = {sharer} "  # noqa: S608
        "AND NOT is_automatic AND NOT is_bot ORDER BY ms LIMIT 1) FROM {keys}",
        _pairs(sharers),
    )
    return {key: ms for key, ms in rows if ms is not None}


def count_early_opens(sharers: dict[str, str]) -> dict[str, tuple[int, int]]:
    """Count the opens and distinct openers stored before their link was known, without bots and the sharer.

    sharers: link → sharer.
    """
    link, sharer = _pair_of_keys()
    rows = bulk.fetch(
        "SELECT link_key, count(*), count(DISTINCT visitor) "  # noqa: S608
        f"FROM {{keys}} JOIN {ShareOpen._meta.db_table} ON link_key = {link} "
        f"WHERE is_early AND NOT is_bot AND visitor <> {sharer} GROUP BY link_key",
        _pairs(sharers),
    )
    return {key: (opens, openers) for key, opens, openers in rows}


def find_first_early_opens(links: Collection[str]) -> list[tuple[str, str, int]]:
    """The first early opens of two different visitors of each link, without bots: (link, visitor, ms)."""
    return bulk.fetch(
        "SELECT link_key, visitor, ms FROM (SELECT link_key, visitor, ms, "  # noqa: S608
        "row_number() OVER (PARTITION BY link_key ORDER BY ms, visitor) AS place FROM ("
        "SELECT link_key, visitor, min(ms) AS ms "
        f"FROM {{keys}} JOIN {ShareOpen._meta.db_table} ON link_key = keys.key "
        "WHERE is_early AND NOT is_bot GROUP BY link_key, visitor) AS first) AS ranked WHERE place <= 2",
        links,
    )


def find_early_openers(links: Collection[str]) -> set[tuple[str, str]]:
    """The (conference, visitor) pairs that opened one of these links before its share was known."""
    rows = bulk.fetch(
        "SELECT DISTINCT link_key, visitor "  # noqa: S608
        f"FROM {{keys}} JOIN {ShareOpen._meta.db_table} ON link_key = keys.key WHERE is_early AND NOT is_bot",
        links,
    )
    return {(key.partition("/")[0], visitor) for key, visitor in rows}


def count_opens_by(pairs: Collection[tuple[str, str]]) -> dict[tuple[str, str], int]:
    """Count how often each visitor opened the link, without bot opens: (link, visitor) → number."""
    link, visitor = _pair_of_keys()
    rows = bulk.fetch(
        "SELECT link_key, visitor, count(*) "  # noqa: S608
        f"FROM {{keys}} JOIN {ShareOpen._meta.db_table} ON visitor = {visitor} AND link_key = {link} "
        "WHERE NOT is_bot GROUP BY link_key, visitor",
        [msgspec.json.encode(pair).decode() for pair in pairs],
    )
    return {(key, visitor): count for key, visitor, count in rows}


def _pairs(values: dict[str, str]) -> list[str]:
    return [msgspec.json.encode(pair).decode() for pair in values.items()]


def _pair_of_keys() -> tuple[str, str]:
    """SQL for the two parts of a key that is a JSON array of two texts."""
    part = "(keys.key::json ->> {})" if bulk.is_postgresql() else "json_extract(keys.key, '$[{}]')"
    return part.format(0), part.format(1)


def count_opens(visitors: Collection[str], most: int) -> dict[str, int]:
    """Count the stored opens of each visitor, those of bots too, up to `most`."""
    rows = bulk.fetch(
        "SELECT keys.key, (SELECT count(*) FROM (SELECT 1 AS one "  # noqa: S608
        f"FROM {ShareOpen._meta.db_table} WHERE visitor = keys.key LIMIT {most}) AS counted) FROM {{keys}}",
        visitors,
    )
    return dict(rows)


def find_opened(visitors: Collection[str]) -> set[tuple[str, str]]:
    """The (link, visitor) pairs of all links that these visitors opened, without bot opens."""
    rows = bulk.fetch(
        "SELECT DISTINCT link_key, visitor "  # noqa: S608
        f"FROM {{keys}} JOIN {ShareOpen._meta.db_table} ON visitor = keys.key WHERE NOT is_bot",
        visitors,
    )
    return set(rows)


def find_latest_registrations(conference_ids: Collection[str]) -> dict[str, int]:
    """The time of the last registration of each of these conferences, in UTC milliseconds."""
    rows = bulk.fetch(
        f"SELECT key, (SELECT max(ms) FROM {ShareRegistration._meta.db_table} "  # noqa: S608
        "WHERE conference_id = keys.key) "
        "FROM {keys}",
        conference_ids,
    )
    return {conference_id: ms for conference_id, ms in rows if ms is not None}


def load_opens(visitors: Collection[str]) -> dict[tuple[str, str], list[Open]]:
    """Load the opens of these visitors, by (conference, visitor)."""
    found: dict[tuple[str, str], list[Open]] = {}
    for visitor, key, ms, event, is_bot, digest, is_early in bulk.fetch(
        f"SELECT visitor, link_key, ms, {ShareOpen._meta.db_table}.id, is_bot, chain_digest, is_early "  # noqa: S608
        f"FROM {{keys}} JOIN {ShareOpen._meta.db_table} ON visitor = keys.key",
        visitors,
    ):
        moment = (ms, event.rpartition("/")[0])
        found.setdefault((key.partition("/")[0], visitor), []).append(
            Open(key, moment, visitor, bool(is_bot), digest, bool(is_early))
        )
    return found


def mark_early(opens: Collection[str]) -> None:
    """Add these opens to the index by link (ShareOpen.is_early)."""
    bulk.update(ShareOpen, ("is_early",), [(1, key) for key in opens])
