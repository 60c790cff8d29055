"""Databases with all tables. Migrating takes seconds, so a run of the tests does it once and makes copies.

On SQLite the next run begins with the same file, unless something that a migration depends on has changed.
directory: what all processes of the run have in common, unless a function says otherwise.
"""

import fcntl
import hashlib
import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import psycopg

from tests.support.forks import ROOT
from tests.support.manage import Manage
from tests.support.services import free_port

_SQLITE = "meeteasy.sqlite3"
_POSTGRESQL = "migrated"
_DEMO = "from meeteasy.management.commands.up import create_organizer; create_organizer()"


def migrated_sqlite(directory: Path) -> Path:
    """An SQLite file with all tables."""

    def make(making: Path) -> None:
        kept = ROOT / ".pytest_cache" / f"migrated-{_fingerprint()}.sqlite3"
        if kept.exists():
            shutil.copy(kept, making / _SQLITE)
            return
        _run_commands({"DATA_DIR": str(making)}, ["migrate", "--verbosity", "0"])
        _put_into_one_file(making / _SQLITE)
        kept.parent.mkdir(exist_ok=True)
        for former in kept.parent.glob("migrated-*"):
            former.unlink(missing_ok=True)
        shutil.copy(making / _SQLITE, aside := kept.with_suffix(f".{os.getpid()}"))
        aside.rename(kept)

    return _make_once(directory / "migrated", make) / _SQLITE


def _fingerprint() -> str:
    """A digest of the files that say what `migrate` makes."""
    names = ["migrations/*.py", "models.py", "models/*.py", "apps.py", "receivers.py"]
    digest = hashlib.sha256()
    for path in sorted(path for name in names for path in ROOT.glob(f"*/{name}")):
        digest.update(path.read_bytes())
    for path in (*sorted(ROOT.glob("meeteasy/*settings.py")), ROOT / "requirements.txt"):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def system_sqlite(directory: Path) -> tuple[Path, str]:
    """An SQLite file as `bin/run` makes it, with schedule and demo; and a token of its user `organizer`."""
    migrated = migrated_sqlite(directory)

    def make(making: Path) -> None:
        shutil.copy(migrated, making)
        # No Redis: whatever the demo sends would reach a Valkey of other tests.
        environment = {"DATA_DIR": str(making), "REDIS_URL": f"redis://127.0.0.1:{free_port()}/0"}
        commands = [
            ["sync_schedule"],
            ["shell", "--no-imports", "-c", _DEMO],
            ["drf_create_token", "organizer"],
        ]
        *_, printed = _run_commands(environment, *commands)
        _put_into_one_file(making / _SQLITE)
        (making / "token").write_text(printed.split()[2])

    made = _make_once(directory / "system", make)
    return made / _SQLITE, (made / "token").read_text()


def migrated_postgresql(directory: Path, url: str) -> str:
    """The name of a database with all tables on the server of `url`, from which others can be made.

    directory: what all that use this server have in common.
    """

    def make(making: Path) -> None:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{_POSTGRESQL}"'.encode())
            of_template = url.rpartition("/")[0] + f"/{_POSTGRESQL}"
            _run_commands({"DATABASE_URL": of_template}, ["migrate", "--verbosity", "0"])
            # Nobody may be connected to it while it is copied.
            query = b"SELECT 1 FROM pg_stat_activity WHERE datname = 'migrated'"
            while connection.execute(query).fetchone():
                time.sleep(0.01)

    _make_once(directory / "postgresql", make)
    return _POSTGRESQL


def _make_once(target: Path, make: Callable[[Path], None]) -> Path:
    """Let the first process that asks fill the directory `target`; the others wait for it."""
    with open(target.with_suffix(".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not target.exists():
            making = Path(tempfile.mkdtemp(dir=target.parent))
            make(making)
            making.rename(target)
    return target


def _run_commands(environment: dict[str, str], *commands: list[str]) -> list[str]:
    """Run commands of manage.py one after the other; returns what each printed."""
    others = ("DATABASE_URL", "MONGODB_URI")
    kept = {name: value for name, value in os.environ.items() if name not in others}
    manage = Manage({**kept, "SECRET_KEY": "only-for-tests", **environment})
    printed = []
    try:
        for command in commands:
            code, output, errors = manage.run(*command)
            assert code == 0, errors
            printed.append(output)
    finally:
        manage.stop()
    return printed


def _put_into_one_file(database: Path) -> None:
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
