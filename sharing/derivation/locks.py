"""One at a time: two workers that change the same conference's tree would read each other's half."""

import zlib
from collections.abc import Iterable

from django.db import connection

_NAMESPACE = 0x5A4E  # apart from whatever else uses advisory locks with two keys
_BUCKETS = 4096


def lock_conferences(conference_ids: Iterable[str]) -> None:
    """Wait for, and hold until the end of the transaction, the right to change these conferences' trees.

    SQLite: nothing to do, a transaction holds the one write lock from its beginning (settings: IMMEDIATE).
    PostgreSQL: advisory locks, which need no row; in ascending order, so that two that share conferences
    cannot wait for each other.
    """
    if connection.vendor != "postgresql":
        return
    buckets = sorted({zlib.crc32(conference_id.encode()) % _BUCKETS for conference_id in conference_ids})
    with connection.cursor() as cursor:
        # Everything below is found by key. On the first rows, before the tables have statistics, the
        # planner would scan them instead.
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_hashjoin = off")
        cursor.execute("SET LOCAL enable_mergejoin = off; SET LOCAL jit = off")
        for bucket in buckets:
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_NAMESPACE, bucket])
