"""Loaded by pytest first of all (`-p tests.environment`): the variables that Django's settings read."""

import os
import tempfile
from pathlib import Path

from tests.services import free_port

DATA_DIR = Path(tempfile.mkdtemp(prefix="meeteasy-tests-"))
os.environ.update(
    SECRET_KEY="only-for-tests",
    DATA_DIR=str(DATA_DIR),
    VALKEY_PORT=str(free_port()),
    INGEST_RATE_PER_SECOND="0",
)
os.environ.pop("REDIS_URL", None)
