"""`Lab`: the real system or a reference as processes, what they cost, and helpers that are sent to work.

Everything is on loopback, on free ports and in a temporary directory, and shares two processor cores.
"""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import psutil
import redis
from django.conf import settings

from benchmarks.harness.batches import CONFERENCES
from benchmarks.harness.mongodb import take_mongodb
from benchmarks.harness.postgresql import run_postgresql
from tests.support.services import free_port
from tests.support.system import ROOT, System

_CREATE_CONFERENCES = f"""
from django.contrib.auth import get_user_model
from conferences import services
owner = get_user_model().objects.get(username="organizer")
for id in {CONFERENCES!r}:
    services.create_conference(owner=owner, id=id, name=id, time_zone="Europe/Berlin")
"""
_APPLY_SETTINGS = """
from analytics.days.redating import redate_changed_conferences
redate_changed_conferences()
"""


def use_two_cores() -> None:
    """Keep this process, and what it starts from now on, to two cores; every figure is for two."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2])


class Lab(System):
    """The system as tests start it, with conferences for the benchmarks' events; and other programs.

    with open_lab() as lab:
        lab.start("web")
        lab.start_program("bare", ["-m", "uvicorn", ...])
        result = lab.load(port=lab.port, batch=20, connections=32, seconds=2)
    """

    # Their memory and the libraries they load are as installed; a smoke run of the tests measures neither.
    has_real_starts = "TESTS_DIRECTORY" not in os.environ

    def prepare(self) -> None:
        if self._prepared:
            return
        super().prepare()
        self.run_code(_CREATE_CONFERENCES + _APPLY_SETTINGS)
        if "DATABASE_URL" not in self.environment:
            shutil.copy(self.database, self.directory / "template.sqlite3")

    @property
    def database(self) -> Path:
        return self.directory / "meeteasy.sqlite3"

    @property
    def uses_sqlite(self) -> bool:
        """Whether events are kept in the file `database`."""
        return not {"DATABASE_URL", "MONGODB_URI"} & self.environment.keys()

    @property
    def redis(self) -> "redis.Redis[bytes]":
        return redis.Redis.from_url(self.valkey.url)

    def empty(self) -> None:
        """As it was when prepared: conferences, but no events. Only while none of our processes runs."""
        self.prepare()
        self.redis.flushall()
        if "DATABASE_URL" not in self.environment:
            for suffix in ("-wal", "-shm", ""):
                self.database.with_name(self.database.name + suffix).unlink(missing_ok=True)
            shutil.copy(self.directory / "template.sqlite3", self.database)
            if self.mongodb is not None:
                self.mongodb.remove()
                self.manage("migrate", "--database", "analytics", "--verbosity", "0")
                self.run_code(_APPLY_SETTINGS)
        else:
            # Not deleted: rows that are gone but not yet cleaned up cost those that come with the same keys.
            self.run_code(
                "from django.apps import apps\n"
                "from django.db import connection\n"
                "from analytics.models import DailySummary, DirtyDay, Event\n"
                "models = [Event, DirtyDay, DailySummary, *apps.get_app_config('sharing').get_models()]\n"
                "tables = ', '.join(model._meta.db_table for model in models)\n"
                "connection.cursor().execute(f'TRUNCATE {tables}')"
            )

    def query(self, sql: str, *, database: Path | None = None) -> list[tuple[Any, ...]]:
        """Ask an SQLite database, by default the system's. The connection is closed at once: one that stayed
        open while `empty` puts another file in place would show later ones the old file."""
        with closing(sqlite3.connect(database or self.database)) as connection:
            return connection.execute(sql).fetchall()

    def start_program(
        self, name: str, arguments: list[str], *, environment: Mapping[str, str] | None = None
    ) -> None:
        """Start Python with `arguments`; its log is `directory/<name>.log`."""
        with open(self.directory / f"{name}.log", "ab") as log:
            self.processes[name] = subprocess.Popen(
                [sys.executable, *arguments],
                cwd=ROOT, env={**self.environment, **(environment or {})}, stdout=log, stderr=log,
            )  # fmt: skip

    def end(self, *names: str) -> None:
        """SIGTERM to these processes, and wait."""
        for name in names:
            process = self.processes.pop(name)
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                for child in psutil.Process(process.pid).children(recursive=True):
                    child.kill()
                process.kill()
                process.wait()
            # `start` waits for what the next process of this name logs.
            (self.directory / f"{name}.log").rename(self.directory / f"{name}.{time.monotonic_ns()}.log")

    def helper(self, arguments: list[str]) -> "Helper":
        """A program that says `ready`, works when told to, and prints JSON (load, bare loops)."""
        return Helper(arguments, self.environment)

    def load(self, **options: object) -> dict[str, Any]:
        """Run the load generator; its options by name. Returns its result."""
        with self.helper(["-m", "benchmarks.harness.load", *_to_arguments(options)]) as load:
            load.go()
            return load.result()

    def wait_for_port(self, port: int, name: str) -> None:
        import socket

        def answers() -> bool:
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", port)) == 0

        self.wait_for(answers, f"{name} to listen")

    def cpu_seconds(self) -> dict[str, float]:
        """Processor time so far of each program with its children, and of Valkey."""
        spent = {name: _cpu_of_tree(process.pid) for name, process in self.processes.items()}
        if self.valkey.process is not None:
            spent["valkey"] = _cpu_of_tree(self.valkey.process.pid)
        return spent

    def peak_memory_mb(self) -> dict[str, float]:
        """The largest resident size that any one process of each program has had, in MB (10^6)."""
        peaks = {name: _peak_of_tree(process.pid) for name, process in self.processes.items()}
        if self.valkey.process is not None:
            peaks["valkey"] = _peak_of_tree(self.valkey.process.pid)
        return peaks


class Helper:
    """A program that prepares, says `ready`, and starts at `go`."""

    def __init__(self, arguments: list[str], environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=ROOT, env=dict(environment), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if line.strip() != "ready":
            raise RuntimeError(f"{arguments}: {line!r} instead of ready")

    def __enter__(self) -> "Helper":
        return self

    def __exit__(self, *error: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()

    def go(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write("go\n")
        self._process.stdin.flush()

    def result(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer


@contextmanager
def open_lab(**environment: str) -> Iterator[Lab]:
    """A lab in a temporary directory, which goes with it. `environment` is added to its processes'."""
    directory = Path(tempfile.mkdtemp(prefix="meeteasy-bench-"))
    # The command that starts Valkey reads settings in this very process. They set TZ, and a lab's
    # programs are only forks if they have the same.
    os.environ.setdefault("SECRET_KEY", "only-for-benchmarks")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "meeteasy.settings")
    os.environ.setdefault("TZ", settings.TIME_ZONE)
    lab = Lab(directory)
    lab.web_processes = 2 if lab.has_real_starts else 1
    for name in ("DATABASE_URL", "MONGODB_URI", "MONGODB_DATABASE"):
        lab.environment.pop(name, None)  # those of whoever runs this
    # Read by a reference's process, too; Django's own are set by System.
    lab.environment.update(
        PYTHONPATH=str(ROOT), DJANGO_SETTINGS_MODULE="meeteasy.settings", LOG_LEVEL="INFO", **environment
    )
    try:
        yield lab
    finally:
        lab.stop()
        shutil.rmtree(directory, ignore_errors=True)


@contextmanager
def open_lab_on(database: str) -> Iterator[Lab]:
    """A lab on "sqlite", "postgresql" (a server of its own) or "mongodb" (the server of MONGODB_URI)."""
    with (
        run_postgresql() if database == "postgresql" else nullcontext() as url,
        take_mongodb() if database == "mongodb" else nullcontext() as mongodb,
        open_lab(**({"DATABASE_URL": url} if url else {})) as lab,
    ):
        if mongodb is not None:
            lab.use_mongodb(mongodb)
        yield lab


def spent_between(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    return {name: after[name] - before.get(name, 0.0) for name in after}


def _to_arguments(options: Mapping[str, object]) -> list[str]:
    return [part for name, value in options.items() for part in (f"--{name.replace('_', '-')}", str(value))]


def _tree(pid: int) -> list[psutil.Process]:
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _cpu_of_tree(pid: int) -> float:
    total = 0.0
    for process in _tree(pid):
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
    return total


def _peak_of_tree(pid: int) -> float:
    peaks = [0.0]
    for process in _tree(pid):
        try:
            status = Path(f"/proc/{process.pid}/status").read_text()
        except OSError:
            continue
        for line in status.splitlines():
            if line.startswith("VmHWM:"):
                peaks.append(int(line.split()[1]) * 1024 / 1e6)
    return max(peaks)


__all__ = ["Helper", "Lab", "free_port", "open_lab", "open_lab_on", "spent_between", "use_two_cores"]
