"""What depends on the database holds on each of the three: the tests of the stores, run again on the others.

The run at hand is on SQLite; Django's databases are settled when it starts, hence a process for each other.
"""

import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from tests.support.environment import MONGODB_URI, STORE
from tests.support.services import PostgresqlServer

ROOT = Path(__file__).resolve().parent.parent
# All that stores events or reads them, with the apps that it stands on.
_TESTS = ("tests/analytics", "tests/conferences")
# Of sharing, what goes by the order of ids.
_ORDERED = ("collation", "order", "claims", "paging", "tree_pages")

pytestmark = pytest.mark.skipif(STORE != "sqlite", reason="this run is on another database already")


def run_again(*tests: str, **environment: str) -> str:
    """Run tests in a process of their own. Returns pytest's last line: "210 passed …"."""
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-m", "not processes", "-p", "no:cacheprovider", *tests],
        cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stdout[-20_000:] + result.stderr[-5_000:]
    return result.stdout.strip().splitlines()[-1]


@pytest.mark.postgresql
def test_all_holds_on_postgresql(postgresql: PostgresqlServer) -> None:
    assert " passed" in run_again(
        *_TESTS,
        # Less those that take their time, which are run on SQLite.
        "tests/sharing", "--ignore=tests/sharing/test_many.py", "--ignore=tests/sharing/test_wide.py",
        TEST_STORE="postgresql", DATABASE_URL=postgresql.url,
    )  # fmt: skip


@pytest.mark.postgresql
def test_orders_and_pages_hold_where_a_database_sorts_by_a_language(postgresql: PostgresqlServer) -> None:
    # Made here, by the name that Django looks for.
    url = postgresql.create_database("test_english", language="en-US")
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT 'a' < 'B'").fetchone() == (True,)
    assert " passed" in run_again(
        "--reuse-db",
        *(f"tests/sharing/test_{name}.py" for name in _ORDERED),
        TEST_STORE="postgresql", DATABASE_URL=url.replace("test_english", "english"),
    )  # fmt: skip


@pytest.mark.mongodb
@pytest.mark.skipif(not MONGODB_URI, reason="MONGODB_URI is not set")
def test_all_holds_on_mongodb() -> None:
    assert " passed" in run_again(*_TESTS, TEST_STORE="mongodb", MONGODB_URI=MONGODB_URI)
