"""The variables that Django's settings read. pytest loads this first (`-p tests.support.environment`).

Each process of a run has its own directory, Valkey and databases; workers of pytest-xdist load this, too.
"""

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.support.services import PostgresqlServer, free_port

# What the processes of a run share; the first one makes it and hands it down.
if "TESTS_DIRECTORY" not in os.environ:
    os.environ["TESTS_DIRECTORY"] = tempfile.mkdtemp(prefix="meeteasy-tests-")
    atexit.register(shutil.rmtree, os.environ["TESTS_DIRECTORY"], ignore_errors=True)
    if any(
        not (compiled := path.with_suffix(".mo")).exists() or compiled.stat().st_mtime < path.stat().st_mtime
        for path in Path("locale").glob("*/LC_MESSAGES/django.po")
    ):
        environment = {
            **os.environ,
            "SECRET_KEY": "only-to-compile",
            "DATA_DIR": os.environ["TESTS_DIRECTORY"],
        }
        subprocess.run([sys.executable, "manage.py", "messages", "--compile"], env=environment, check=True)
SHARED_DIRECTORY = Path(os.environ["TESTS_DIRECTORY"])

DATA_DIR = Path(tempfile.mkdtemp(dir=SHARED_DIRECTORY))
os.environ.update(
    SECRET_KEY="only-for-tests",
    DATA_DIR=str(DATA_DIR),
    VALKEY_PORT=str(free_port()),
    INGEST_RATE_PER_SECOND="0",
)
os.environ.pop("REDIS_URL", None)

# The database that the tests of this run use: "sqlite", "postgresql" or "mongodb". bin/test runs all tests on
# SQLite, and those that use a database again on others; by hand: `TEST_STORE=postgresql bin/test tests/…`.
STORE = os.environ.setdefault("TEST_STORE", "sqlite")
# A language by which PostgreSQL sorts texts, such as en-US; without one it sorts by code points.
LANGUAGE = os.environ.get("TEST_LANGUAGE", "")

if STORE != "mongodb":
    os.environ.pop("MONGODB_URI", None)
if STORE != "postgresql":
    os.environ.pop("DATABASE_URL", None)
elif "DATABASE_URL" not in os.environ:
    # One server for all workers, which inherit its URL.
    _server = PostgresqlServer(language=LANGUAGE)
    atexit.register(_server.remove)
    _server.start()
    os.environ["DATABASE_URL"] = _server.url
