"""Locks that let only one worker at a time change a conference's tree, so none reads half-done work."""

import zlib
from collections.abc import Iterable

from django.db import connection

_NAMESPACE = 0x5A4E  # keeps these locks apart from other advisory locks with two keys
_BUCKETS = 4096


def lock_conferences(conference_ids: Iterable[str]) -> None:
    """Lock the trees of these conferences until the end of the transaction.

    SQLite needs nothing: a transaction holds the only write lock from its start (settings: IMMEDIATE). On
    PostgreSQL these are advisory locks, which need no row. The function takes them in ascending order, so two
    transactions with common conferences cannot wait for each other.
    """
    if connection.vendor != "postgresql":
        return
    buckets = sorted({zlib.crc32(conference_id.encode()) % _BUCKETS for conference_id in conference_ids})
    with connection.cursor() as cursor:
        # The queries in this transaction find rows by key. Before the tables have statistics, the planner
        # would scan them instead.
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_hashjoin = off")
        cursor.execute("SET LOCAL enable_mergejoin = off; SET LOCAL jit = off")
        for bucket in buckets:
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_NAMESPACE, bucket])
