"""The variables that Django's settings read. pytest loads this first (`-p tests.support.environment`).

Each process of a run has its own directory, Valkey and databases; workers of pytest-xdist load this, too.
"""

import atexit
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

import psutil

from tests.support.forks import ROOT
from tests.support.mongodb_queries import record_into
from tests.support.services import PostgresqlServer, free_port


def _compile_translations() -> None:
    """As bin/setup does, for those who call pytest without it."""
    for source in ROOT.glob("locale/*/LC_MESSAGES/django.po"):
        compiled = source.with_suffix(".mo")
        if not compiled.exists() or compiled.stat().st_mtime < source.stat().st_mtime:
            subprocess.run(
                [sys.executable, "manage.py", "messages", "--compile"],
                cwd=ROOT, check=True, env={**os.environ, "SECRET_KEY": "only-to-compile"},
            )  # fmt: skip
            return


def _clean_up(directory: str) -> None:
    """Remove what the run has made, and end what its tests have started: a run that is broken off kills its
    workers before their fixtures do."""
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.pid != os.getpid() and process.environ().get("TESTS_DIRECTORY") == directory:
                process.kill()
    shutil.rmtree(directory, ignore_errors=True)


# SIGTERM does what Ctrl-C does.
signal.signal(signal.SIGTERM, signal.default_int_handler)

# What the processes of a run share; the first one makes it and hands it down.
if "TESTS_DIRECTORY" not in os.environ:
    os.environ["TESTS_DIRECTORY"] = os.environ["DATA_DIR"] = tempfile.mkdtemp(prefix="meeteasy-tests-")
    atexit.register(_clean_up, os.environ["TESTS_DIRECTORY"])
SHARED_DIRECTORY = Path(os.environ["TESTS_DIRECTORY"])
_compile_translations()

DATA_DIR = Path(tempfile.mkdtemp(dir=SHARED_DIRECTORY))
(DATA_DIR / "static").mkdir()  # without it WhiteNoise warns each client of each test
os.environ.update(
    SECRET_KEY="only-for-tests",
    DATA_DIR=str(DATA_DIR),
    VALKEY_PORT=str(free_port()),
    INGEST_RATE_PER_SECOND="0",
    SHARING_TOTALS_SECONDS="0",
    INGEST_EVENTS_PER_SECOND="0",
)
os.environ.pop("REDIS_URL", None)

# The database that the tests of this run use: "sqlite", "postgresql" or "mongodb". bin/test runs all tests on
# SQLite, and those that use a database again on others; by hand: `TEST_STORE=postgresql bin/test tests/…`.
STORE = os.environ.setdefault("TEST_STORE", "sqlite")
# A language by which PostgreSQL sorts texts, such as en-US; without one it sorts by code points.
LANGUAGE = os.environ.get("TEST_LANGUAGE", "")
# The variable with the URL of a server that the run itself has started.
OWN_POSTGRESQL = "TESTS_POSTGRESQL"

# Tests of faults start systems on MongoDB, whichever database their run uses.
os.environ.setdefault("TESTS_MONGODB_URI", os.environ.get("MONGODB_URI", ""))
if STORE != "mongodb":
    os.environ.pop("MONGODB_URI", None)
elif "MONGODB_QUERIES" in os.environ:
    record_into(Path(os.environ["MONGODB_QUERIES"]))
if STORE != "postgresql":
    os.environ.pop("DATABASE_URL", None)
elif "DATABASE_URL" not in os.environ:
    # One server for all workers, which inherit its URL.
    _server = PostgresqlServer(language=LANGUAGE)
    atexit.register(_server.remove)
    _server.start()
    os.environ["DATABASE_URL"] = os.environ[OWN_POSTGRESQL] = _server.url
