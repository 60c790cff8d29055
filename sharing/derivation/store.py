"""Loading the part of the tree and the opens that a change concerns, and writing back the links."""

from collections.abc import Collection, Iterable
from operator import attrgetter
from typing import Any

import msgspec
from django.db.models import QuerySet, Value
from django.db.models.functions import StrIndex, Substr

from sharing.derivation import bulk
from sharing.models import ShareClaim, ShareLink, ShareOpen, ShareRegistration
from sharing.rules.attribution import Moment, Open
from sharing.rules.forest import Forest, LinkState, Node

_COLUMNS = LinkState.__struct_fields__
_STATE = ", ".join(f"link.{name}" for name in _COLUMNS)
# By the place of a row in its table, which is smaller than its key, and found without an index.
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
    """Load the links of `keys` that exist and are not loaded yet, with all that their claims lead to.

    One query, however deep it goes. What is loaded already stays as it is.
    """
    wanted = {key for key in keys if key not in forest.nodes}
    place = "ctid" if bulk.is_postgresql() else "rowid"
    for row in bulk.fetch(_CLOSED_PART.replace("{place}", place), wanted):
        if row[0] not in forest.nodes:
            forest.add(_node(row))


def load_orphans(forest: Forest, parents: Collection[str]) -> list[Node]:
    """Load the links that claim one of `parents`, which have only now become known, so that as they are
    stored none of them has a parent. Returns all of them."""
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
    node.loaded_parent = node.parent_id
    node.loaded_subtree = (node.subtree_links, node.subtree_conversions)
    return node


# What changes together: a new owner's data, the place in the tree, the counters.
_OWNER = ("sharer", "is_minted", "first_ms", "first_event_id")
_PLACE = ("claimed_parent", "parent_ms", "parent_event_id", "parent_id", "closes_cycle", "is_contested")
_COUNTERS = ("child_count", "direct", "assisted", "subtree_links", "subtree_conversions")
# Columns that are written but never read back here.
_IDENTITY = ("conference_id", "code")
_TEXTS = ("sharer_user_id", "channel", "target_url", "label")
_OPENED = ("opens", "openers")

_owner_of, _place_of, _counters_of = attrgetter(*_OWNER), attrgetter(*_PLACE), attrgetter(*_COUNTERS)
_state_of = attrgetter(*_COLUMNS)


def save_links(
    nodes: Iterable[Node], *, with_new_owner: Collection[str], opened: dict[str, tuple[int, int]]
) -> None:
    """Write the rows of `nodes`: inserts, moves, counters; the owner's data of those in `with_new_owner`.

    opened: link → (opens, openers), which are added; codes that no link has are passed over.
    """
    inserted, replaced, moved, counted = [], [], [], []
    opened = dict(opened)
    for node in nodes:
        opens = opened.pop(node.id, (0, 0))
        if node.is_new:
            conference_id, _, code = node.id.partition("/")
            inserted.append((*_state_of(node), conference_id, code, *_texts(node), *opens))
            continue
        if node.id in with_new_owner:
            replaced.append((*_owner_of(node), *_texts(node), node.id))
        if node.touched:
            moved.append((*_place_of(node), node.id))
        counted.append((*_counters_of(node), *opens, node.id))
    bulk.insert(ShareLink, (*_COLUMNS, *_IDENTITY, *_TEXTS, *_OPENED), inserted)
    bulk.update(ShareLink, (*_OWNER, *_TEXTS), replaced)
    bulk.update(ShareLink, _PLACE, moved)
    bulk.update(ShareLink, _COUNTERS, counted, added=_OPENED)
    # Separate, because setting `subtree_conversions` writes an index.
    bulk.update(ShareLink, (), [(*opens, key) for key, opens in opened.items()], added=_OPENED)


def _texts(node: Node) -> tuple[object, ...]:
    user_id = int(node.sharer[5:]) if node.is_minted and node.sharer.startswith("user:") else None
    return (user_id, node.channel, node.target_url, node.label)


# Of a fact with a link's key. Compared as a whole, not matched: SQLite's LIKE takes A for a.
_CONFERENCE = Substr("link_key", 1, StrIndex("link_key", Value("/")) - 1)


def claims_of(conference_ids: Collection[str]) -> QuerySet[ShareClaim]:
    """All claims to links of these conferences. No index leads to them."""
    return ShareClaim.objects.alias(of=_CONFERENCE).filter(of__in=conference_ids)


def opens_of(conference_ids: Collection[str]) -> QuerySet[ShareOpen]:
    """All opens of codes in these conferences. No index leads to them, but one to a visitor's."""
    return ShareOpen.objects.alias(of=_CONFERENCE).filter(of__in=conference_ids)


def load_first_parents(owners: dict[str, str]) -> dict[str, tuple[Moment, str]]:
    """The first claim of each link's owner that names a parent: link → (when, parent).

    owners: link → sharer. Links whose owner never named one are left out. One row of an index for each,
    however many claims there are.
    """
    table = ShareClaim._meta.db_table
    part = "(keys.key::json ->> {})" if bulk.is_postgresql() else "json_extract(keys.key, '$[{}]')"
    rows = bulk.fetch(
        f"SELECT claim.link_key, claim.parent_key, claim.ms, claim.event_id FROM {{keys}} "  # noqa: S608
        f"JOIN {table} AS claim ON claim.id = (SELECT id FROM {table} "
        f"WHERE link_key = {part.format(0)} AND sharer = {part.format(1)} "
        f"AND parent_key > '' AND NOT is_bot ORDER BY ms, event_id LIMIT 1)",
        [msgspec.json.encode(pair).decode() for pair in owners.items()],
    )
    return {link: ((ms, event_id), parent) for link, parent, ms, event_id in rows}


def count_early_opens(links: Collection[str]) -> dict[str, tuple[int, int]]:
    """Opens and distinct openers, bots left out, that were stored before their link was known."""
    rows = bulk.fetch(
        "SELECT link_key, count(*), count(DISTINCT visitor) "  # noqa: S608
        f"FROM {{keys}} JOIN {ShareOpen._meta.db_table} ON link_key = keys.key "
        "WHERE is_early AND NOT is_bot GROUP BY link_key",
        links,
    )
    return {key: (opens, openers) for key, opens, openers in rows}


def find_known_links(links: Collection[str]) -> set[str]:
    """Those of these keys that links have."""
    rows = bulk.fetch(
        f"SELECT id FROM {{keys}} JOIN {ShareLink._meta.db_table} ON id = keys.key",  # noqa: S608
        links,
    )
    return {key for (key,) in rows}


def find_opened(visitors: Collection[str]) -> set[tuple[str, str]]:
    """The (link, visitor) pairs of all that these visitors have opened, bots' opens left out."""
    rows = bulk.fetch(
        "SELECT DISTINCT link_key, visitor "  # noqa: S608
        f"FROM {{keys}} JOIN {ShareOpen._meta.db_table} ON visitor = keys.key WHERE NOT is_bot",
        visitors,
    )
    return set(rows)


def find_latest_registrations(conference_ids: Collection[str]) -> dict[str, int]:
    """When the last registration of each of these conferences happened, UTC milliseconds."""
    rows = bulk.fetch(
        f"SELECT key, (SELECT max(ms) FROM {ShareRegistration._meta.db_table} "  # noqa: S608
        "WHERE conference_id = keys.key) "
        "FROM {keys}",
        conference_ids,
    )
    return {conference_id: ms for conference_id, ms in rows if ms is not None}


def load_opens(visitors: Collection[str]) -> dict[tuple[str, str], list[Open]]:
    """The opens of these visitors, by (conference, visitor)."""
    found: dict[tuple[str, str], list[Open]] = {}
    for visitor, key, ms, event_id, is_bot, digest in bulk.fetch(
        "SELECT visitor, link_key, ms, event_id, is_bot, chain_digest "  # noqa: S608
        f"FROM {{keys}} JOIN {ShareOpen._meta.db_table} ON visitor = keys.key",
        visitors,
    ):
        found.setdefault((key.partition("/")[0], visitor), []).append(
            Open(key, (ms, event_id), visitor, bool(is_bot), digest)
        )
    return found
