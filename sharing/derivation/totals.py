"""Keep exact totals of each link's subtree, written at most once per second for each link.

A delivery only notes a pending addition (PendingTotal) at each link where something changed; it applies to
that link and its ancestors. Adding up to the root at once would write every link of a path for each delivery,
and a path may have thousands of links. Stored totals plus pending additions are always correct. A link that
moves takes its stored totals along, and its pending additions then go up the new path.
"""

from collections.abc import Iterable

import redis
from django.conf import settings
from django.db import transaction

from meeteasy.core.redis import get_redis, take_gate
from sharing.derivation import bulk, store
from sharing.derivation.locks import lock_conferences
from sharing.models import PendingTotal, ShareLink
from sharing.rules.forest import Forest, Totals

_LINKS_AT_ONCE = 2_000
_ROWS_AT_ONCE = 5_000


def note_totals(totals: Totals) -> None:
    """Note pending additions in the caller's transaction."""
    bulk.insert(
        PendingTotal,
        ("conference_id", "link_id", "links", "conversions"),
        [(key.partition("/")[0], key, *both) for key, both in totals.items()],
    )


def flush_totals(conference_ids: Iterable[str]) -> None:
    """Apply the pending additions of these conferences, unless this happened within the last second.

    The tick or the next delivery applies the remaining ones.
    """
    for conference_id in sorted(conference_ids):
        if _is_due(conference_id):
            while _flush_part(conference_id):
                pass


def _is_due(conference_id: str) -> bool:
    if not settings.SHARING_TOTALS_SECONDS:
        return True
    milliseconds = round(settings.SHARING_TOTALS_SECONDS * 1000)
    try:
        return take_gate(get_redis(), f"sharing:totals:{conference_id}", milliseconds=milliseconds)
    except redis.RedisError:
        return True


def _flush_part(conference_id: str) -> bool:
    """Apply a bounded number of pending additions. Returns whether any are left."""
    pending = PendingTotal.objects.filter(conference_id=conference_id)
    if not pending.exists():  # checked without the lock, which deliveries may hold
        return False
    with transaction.atomic():
        lock_conferences([conference_id])
        values = pending.order_by("id").values_list("id", "link_id", "links", "conversions")
        rows = list(values[:_ROWS_AT_ONCE])
        totals: Totals = {}
        for _, key, links, conversions in rows:
            before = totals.get(key, (0, 0))
            totals[key] = (before[0] + links, before[1] + conversions)
        forest = Forest()
        store.load_part(forest, totals)
        nodes, left = forest.add_totals(totals, limit=_LINKS_AT_ONCE)
        bulk.delete(PendingTotal, "id", [row[0] for row in rows])
        note_totals(left)
        bulk.update(
            ShareLink,
            ("subtree_links", "subtree_conversions"),
            [(node.subtree_links, node.subtree_conversions, node.id) for node in nodes],
        )
    return bool(left) or len(rows) == _ROWS_AT_ONCE
