"""Keep exact totals of each link's subtree, written at most once per second for each link.

What a change adds to a link's totals also applies to all its ancestors. A delivery writes the totals only if
the conference's last writing was a second ago; otherwise it notes a pending addition (PendingTotal) at each
link where something changed. Adding up to the root each time would write every link of a path for each
delivery, and a path may have thousands of links. Stored totals plus pending additions are always correct. A
link that moves takes its stored totals along, and its pending additions then go up the new path.
"""

from collections.abc import Collection, Iterable

import redis
from django.conf import settings
from django.db import transaction

from meeteasy.core.redis import get_redis, take_gate
from sharing.derivation import bulk, store
from sharing.derivation.locks import lock_conferences
from sharing.models import PendingTotal
from sharing.rules.forest import Forest, Node, Totals

_LINKS_AT_ONCE = 10_000
_ROWS_AT_ONCE = 5_000


def take_due(conference_ids: Iterable[str]) -> list[str]:
    """Those of the conferences whose totals may be written now. They are not due again within a second.

    Call it before the transaction, whose lock must not wait for Redis.
    """
    return [conference_id for conference_id in sorted(conference_ids) if _is_due(conference_id)]


def _is_due(conference_id: str) -> bool:
    if not settings.SHARING_TOTALS_SECONDS:
        return True
    milliseconds = round(settings.SHARING_TOTALS_SECONDS * 1000)
    try:
        return take_gate(get_redis(), f"sharing:totals:{conference_id}", milliseconds=milliseconds)
    except redis.RedisError:
        return True


def add_totals(forest: Forest, changes: Totals, *, due: Collection[str]) -> list[Node]:
    """Add changes, and what is pending, to the totals of the conferences that are `due`.

    Changes in other conferences, and those for which there is no room, are noted as pending. Returns the
    links whose totals the caller must write in its transaction, which holds the lock.
    """
    of_due: Totals = {}
    later: Totals = {}
    for key, both in changes.items():
        (of_due if key.partition("/")[0] in due else later)[key] = both
    pending = PendingTotal.objects.filter(conference_id__in=due).order_by("id")
    rows = list(pending.values_list("id", "link_id", "links", "conversions")[:_ROWS_AT_ONCE]) if due else []
    for _, key, links, conversions in rows:
        before = of_due.get(key, (0, 0))
        of_due[key] = (before[0] + links, before[1] + conversions)
    bulk.delete(PendingTotal, "id", [row[0] for row in rows])
    store.load_part(forest, of_due)
    nodes, left = forest.add_totals(of_due, limit=_LINKS_AT_ONCE)
    bulk.insert(
        PendingTotal,
        ("conference_id", "link_id", "links", "conversions"),
        [(key.partition("/")[0], key, *both) for key, both in (later | left).items()],
    )
    return nodes


def flush_totals(due: Iterable[str]) -> None:
    """Add the pending additions of these conferences, in as many transactions as it takes."""
    for conference_id in due:
        pending = PendingTotal.objects.filter(conference_id=conference_id)
        while pending.exists():  # checked without the lock, which deliveries may hold
            with transaction.atomic():
                lock_conferences([conference_id])
                store.save_totals(add_totals(Forest(), {}, due=[conference_id]))
