"""Copies of the database `default`, of one moment each: SQLite by its own backup, PostgreSQL by pg_dump."""

import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection

from meeteasy.backups.manifest import BackupError

_PROGRAMS = "/usr/lib/postgresql"


def kind_of(alias: str) -> str:
    return str(settings.DATABASES[alias]["ENGINE"].rpartition(".")[2].replace("sqlite3", "sqlite")).replace(
        "django_mongodb_backend", "mongodb"
    )


def file_name() -> str:
    return "database.sqlite3" if kind_of("default") == "sqlite" else "database.dump"


def copy_database(folder: Path) -> dict[str, int]:
    """Write the copy into `folder`; returns the number of rows of each table in it. Raises BackupError."""
    path = folder / file_name()
    if kind_of("default") == "sqlite":
        with closing(sqlite3.connect(_name(), timeout=30)) as source, closing(sqlite3.connect(path)) as copy:
            source.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")  # all in the one file
        return _count_sqlite(path)
    with connection.cursor() as cursor:
        # One snapshot for the dump and the counts.
        cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        try:
            cursor.execute("SELECT pg_export_snapshot()")
            (snapshot,) = cursor.fetchone()
            _run("pg_dump", "--format=custom", f"--snapshot={snapshot}", f"--file={path}")
            return _count_postgresql(cursor)
        finally:
            cursor.execute("ROLLBACK")


def check_empty() -> None:
    """Raises BackupError if there is a database already."""
    if kind_of("default") == "sqlite":
        path = Path(settings.DATABASES["default"]["NAME"])
        if path.exists() and path.stat().st_size:
            raise BackupError(f"{path} exists already; restore needs an empty folder")
    elif connection.introspection.table_names():
        raise BackupError("the database of DATABASE_URL has tables already; restore needs an empty one")


def put_back(folder: Path) -> dict[str, int]:
    """Returns the number of rows of each table. Raises BackupError."""
    source = folder / file_name()
    if kind_of("default") == "sqlite":
        path = Path(settings.DATABASES["default"]["NAME"])
        part = path.with_name(f"{path.name}.part")
        shutil.copyfile(source, part)
        os.replace(part, path)
        return _count_sqlite(path)
    options = "--no-owner", "--exit-on-error", "--single-transaction"
    _run("pg_restore", *options, f"--dbname={_name()}", str(source))
    with connection.cursor() as cursor:
        return _count_postgresql(cursor)


def _count_sqlite(path: Path) -> dict[str, int]:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as copy:
        tables = copy.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").fetchall()
        return {
            name: copy.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]  # noqa: S608  names of tables
            for (name,) in tables
            if not name.startswith("sqlite_")
        }


def _count_postgresql(cursor: Any) -> dict[str, int]:
    cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = current_schema() ORDER BY 1")
    counts = {}
    for (name,) in cursor.fetchall():
        cursor.execute(f'SELECT count(*) FROM "{name}"')  # noqa: S608  names of tables
        counts[name] = cursor.fetchone()[0]
    return counts


def _name() -> str:
    return str(settings.DATABASES["default"]["NAME"])


def _run(program: str, *arguments: str) -> None:
    """Run one of PostgreSQL's programs. The password is not among the arguments, which others may see."""
    found = shutil.which(program) or max(map(str, Path(_PROGRAMS).glob(f"*/bin/{program}")), default=None)
    if found is None:
        raise BackupError(f"{program} is not installed: PostgreSQL's client programs are needed")
    database = settings.DATABASES["default"]
    environment = {
        "PGHOST": database.get("HOST"), "PGPORT": str(database.get("PORT") or ""),
        "PGUSER": database.get("USER"), "PGPASSWORD": database.get("PASSWORD"), "PGDATABASE": _name(),
    }  # fmt: skip
    result = subprocess.run(  # noqa: S603
        [found, *arguments], capture_output=True, text=True, check=False,
        env={**os.environ, **{name: value for name, value in environment.items() if value}},
    )  # fmt: skip
    if result.returncode != 0:
        raise BackupError(f"{program} failed: {result.stderr.strip()[-500:]}")
