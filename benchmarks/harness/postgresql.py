"""A PostgreSQL server of the machine's own programs, on a Unix socket in a temporary directory."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def find_programs() -> Path | None:
    """The directory with initdb and pg_ctl; None where PostgreSQL is not installed."""
    for directory in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True):
        if (directory / "initdb").exists():
            return directory
    found = shutil.which("initdb")
    return Path(found).parent if found else None


@contextmanager
def run_postgresql() -> Iterator[str]:
    """A fresh server; gives the DATABASE_URL. Raises FileNotFoundError where there are no programs.

    Settings are the server's defaults, except that commits do not wait for the disk: SQLite beside it does
    not either (synchronous=NORMAL).
    """
    programs = find_programs()
    if programs is None:
        raise FileNotFoundError("PostgreSQL's initdb is not installed")
    directory = Path(tempfile.mkdtemp(prefix="meeteasy-pg-"))
    data = directory / "data"
    as_user: list[str] = []
    if os.getuid() == 0:  # the server refuses to run as root
        shutil.chown(directory, "postgres", "postgres")
        as_user = ["runuser", "-u", "postgres", "--"]

    def run(program: str, *arguments: str) -> None:
        subprocess.run(
            [*as_user, str(programs / program), *arguments],
            check=True, cwd=directory, stdout=subprocess.DEVNULL,
        )  # fmt: skip

    directory.chmod(0o755)
    run("initdb", "--pgdata", str(data), "--username", "bench", "--auth", "trust", "--no-sync")
    options = f"-c listen_addresses='' -c unix_socket_directories={directory} -c synchronous_commit=off"
    run("pg_ctl", "--pgdata", str(data), "--log", str(data / "log"), "--wait", "-o", options, "start")
    try:
        run("createdb", "--host", str(directory), "--username", "bench", "bench")
        yield f"postgresql://bench@/bench?host={directory}"
    finally:
        run("pg_ctl", "--pgdata", str(data), "--mode", "immediate", "stop")
        shutil.rmtree(directory, ignore_errors=True)
