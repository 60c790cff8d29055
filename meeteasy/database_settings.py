"""The entry of DATABASES for the database that has everything, or everything but events and summaries."""

from pathlib import Path
from typing import Any

import dj_database_url


def make_default(
    url: str, sqlite: Path, *, wait_seconds: int, log_bytes: int, synchronous: str
) -> dict[str, Any]:
    """Make the entry for DATABASE_URL, or for the file `sqlite` if `url` is "".

    wait_seconds: how long a statement waits for another connection's lock. log_bytes and synchronous are
    SQLite's `journal_size_limit` and `synchronous`.
    """
    if not url:
        return _sqlite(sqlite, wait_seconds=wait_seconds, log_bytes=log_bytes, synchronous=synchronous)
    entry: dict[str, Any] = {**dj_database_url.parse(url, conn_max_age=60, conn_health_checks=True)}
    if entry["ENGINE"] == "django.db.backends.postgresql":
        # A host that vanished silently must fail a task long before the task's time limit kills it.
        entry["OPTIONS"] = {
            "connect_timeout": 5,
            "tcp_user_timeout": 15_000,
            "options": f"-c lock_timeout={wait_seconds}s",
            **entry.get("OPTIONS", {}),
        }
    return entry


def _sqlite(path: Path, *, wait_seconds: int, log_bytes: int, synchronous: str) -> dict[str, Any]:
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(path),
        "CONN_MAX_AGE": 60,
        "TEST": {"NAME": str(path.with_name("test.sqlite3"))},  # a file, so that threads can share it
        "OPTIONS": {
            # A writer waits for its turn instead of failing, and takes the lock at BEGIN: a transaction
            # that starts reading and then writes could otherwise fail with "database is locked" at once.
            "timeout": wait_seconds,
            "transaction_mode": "IMMEDIATE",
            # WAL: readers do not block the writer. NORMAL: a commit survives kill -9 of any process; after
            # a power cut the last ones may be missing (docs/delivery.md says what follows). A checkpoint
            # every 16 MB instead of 4: a bulk insert of 5,000 rows would set one off at each commit. A new
            # file gets pages of 8 kB, of which half as many are written (docs/adr/0055).
            "init_command": (
                f"PRAGMA page_size=8192; PRAGMA journal_mode=WAL; PRAGMA synchronous={synchronous}; "
                "PRAGMA cache_size=-65536; PRAGMA temp_store=MEMORY; PRAGMA secure_delete=ON; "
                f"PRAGMA wal_autocheckpoint=2000; PRAGMA journal_size_limit={log_bytes};"
            ),
        },
    }
