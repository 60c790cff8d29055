"""The variables that Django's settings read. pytest loads this first (`-p tests.support.environment`)."""

import os
import tempfile
from pathlib import Path

from tests.support.services import free_port

DATA_DIR = Path(tempfile.mkdtemp(prefix="meeteasy-tests-"))
os.environ.update(
    SECRET_KEY="only-for-tests",
    DATA_DIR=str(DATA_DIR),
    VALKEY_PORT=str(free_port()),
    INGEST_RATE_PER_SECOND="0",
)
os.environ.pop("REDIS_URL", None)

# The database that the tests of this process run on: "sqlite", "postgresql" or "mongodb". A run of all tests
# is on SQLite, and tests/test_stores.py runs those of the stores again on the others. MONGODB_URI names a
# server for that; by hand: `TEST_STORE=mongodb MONGODB_URI=... pytest tests/analytics`.
STORE = os.environ.setdefault("TEST_STORE", "sqlite")
MONGODB_URI = os.environ.get("MONGODB_URI", "")
if STORE != "mongodb":
    os.environ.pop("MONGODB_URI", None)
if STORE != "postgresql":
    os.environ.pop("DATABASE_URL", None)
