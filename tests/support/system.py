"""`System`: real processes from outside, as `bin/run` starts them, that a test can kill and start again."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import httpx
import psutil
import redis

from tests.support.databases import migrated_postgresql, system_sqlite
from tests.support.forks import ROOT, Fork, start_python
from tests.support.manage import Manage
from tests.support.services import MongodbServer, PostgresqlServer, ValkeyServer, free_port

_Found = TypeVar("_Found")

QUEUES = {
    "events": "analytics.events",
    "daily": "analytics.daily",
    "email": "notifications.email",
    "sms": "notifications.sms",
    "files": "files.convert",
    "pages": "ai.generate",
}


class System:
    """Processes on a database and a Valkey of their own, below `directory`.

        system.start("web", "events", "daily", "beat")
        system.post([{"type": "page_view", ...}])
        system.kill("events")

    Logs are in `directory/<name>.log`. `manage("shell", "-c", code)` runs a command in the same environment.
    Extra environment: `system.environment["LOG_LEVEL"] = ...` before anything is started.
    is_migrated: whether `prepare` makes all tables, the user and the conference.
    """

    has_real_starts = False  # True: no process is a fork of one that has libraries loaded already

    def __init__(self, directory: Path, *, is_migrated: bool = True) -> None:
        self.directory = directory
        self.port = free_port()
        self.web_processes = 1  # 2, as installations have, where a test is about what they must agree on
        self.events_concurrency = 1  # so that whoever kills a worker knows which process has the entries
        self.url = f"http://127.0.0.1:{self.port}"
        self.valkey = ValkeyServer(port=free_port(), directory=directory / "valkey")
        self.environment = {
            **os.environ,
            "SECRET_KEY": "only-for-tests",
            "DATA_DIR": str(directory),
            "REDIS_URL": self.valkey.url,
            "PORT": str(self.port),
            "INGEST_RATE_PER_SECOND": "0",
            "INGEST_EVENTS_PER_SECOND": "0",
            # All clients of a test have one address.
            "REPORTS_PER_CLIENT_HOUR": "0",
            "REPORTS_PER_CONFERENCE_HOUR": "0",
            "PYTHONUNBUFFERED": "1",
        }
        self.processes: dict[str, subprocess.Popen[bytes] | Fork] = {}
        self.roots: dict[str, Path] = {}  # of processes that run other code than this
        self.http = httpx.Client(base_url=self.url, timeout=30)
        self._prepared = not is_migrated
        self.mongodb: MongodbServer | None = None
        self._manage: Manage | None = None
        self._tokens: dict[str, str] = {}

    def prepare(self) -> None:
        """Start Valkey, create the database, the user `organizer` and the conference `test`."""
        if self._prepared:
            return
        self._prepared = True
        self.valkey.start()
        shared = os.environ.get("TESTS_DIRECTORY")
        if shared and "DATABASE_URL" not in self.environment:
            database, self._tokens["organizer"] = system_sqlite(Path(shared))
            shutil.copy(database, self.directory / database.name)
        else:
            self.manage("migrate", "--verbosity", "0")
            self.manage("sync_schedule")
            self.run_code("from meeteasy.management.commands.up import create_organizer; create_organizer()")
        if self.mongodb is not None:
            self.manage("migrate", "--database", "analytics", "--verbosity", "0")

    def skip_preparing(self) -> None:
        """Leave database and Valkey to the test."""
        self._prepared = True

    def use_postgresql(self, server: PostgresqlServer, name: str) -> None:
        """Keep all data in a new database `name` there, which has all tables. Before anything is started."""
        template = migrated_postgresql(server.directory, server.url)
        self.environment["DATABASE_URL"] = server.create_database(name, template=template)

    def use_mongodb(self, server: MongodbServer) -> None:
        """Keep events and summaries there. Before anything is started."""
        self.mongodb = server
        self.environment |= {"MONGODB_URI": server.uri, "MONGODB_DATABASE": server.database}

    def start(self, *names: str) -> None:
        """Start processes by name and wait until they serve. `events-2` is one more of `events`."""
        self.prepare()
        for name in names:
            self.processes[name] = self._start(name)
        if "web" in names:
            self.wait_for(self._web_answers, "the web server to answer", seconds=180)
        for name in names:
            if name.partition("-")[0] in QUEUES:
                self.wait_for(
                    lambda name=name: b" ready." in self.log(name), f"worker {name} to be ready", seconds=180
                )

    def _start(self, name: str) -> subprocess.Popen[bytes] | Fork:
        arguments = self._arguments(name.partition("-")[0])
        with open(self.directory / f"{name}.log", "ab") as log:
            return start_python(
                arguments, self.environment, output=log, errors=log,
                directory=self.roots.get(name, ROOT),
                # Python itself starts the second of two web processes.
                is_real=self.has_real_starts or ("web" in arguments and self.web_processes > 1),
            )  # fmt: skip

    def start_web(self, name: str, *, port: int) -> None:
        """Start one more web server, of one process, at a port of its own."""
        arguments = ["manage.py", "web", "--port", str(port), "--processes", "1"]
        with open(self.directory / f"{name}.log", "ab") as log:
            self.processes[name] = start_python(
                arguments, self.environment, output=log, errors=log, is_real=self.has_real_starts
            )
        self.wait_for(
            lambda: httpx.get(f"http://127.0.0.1:{port}/healthz").is_success if _listens(port) else False,
            f"{name} to answer", seconds=180,
        )  # fmt: skip

    def _arguments(self, name: str) -> list[str]:
        """Of Python, as the Procfile has them."""
        if name == "web":
            where = ["--port", str(self.port), "--processes", str(self.web_processes)]
            return ["manage.py", "web", *where]
        if name == "beat":
            return ["-m", "celery", "--app", "meeteasy", "beat", "--pidfile="]
        worker = ["manage.py", "worker", QUEUES[name]]
        return [*worker, "--concurrency", str(self.events_concurrency)] if name == "events" else worker

    def kill(self, name: str, *, children_only: bool = False) -> None:
        """kill -9 of a process and its children, or of the children alone (a worker's pool process)."""
        process = self.processes[name]
        try:
            victims = psutil.Process(process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            victims = []
        if not children_only:
            process.kill()
            del self.processes[name]
        for victim in victims:
            try:
                victim.kill()
            except psutil.NoSuchProcess:
                continue
        if not children_only:
            process.wait()
            # A log of its own for the next one, which is waited for by what it logs.
            log = self.directory / f"{name}.log"
            log.rename(log.with_suffix(f".{time.monotonic_ns()}.log"))

    def end(self, name: str, *, seconds: float = 120) -> None:
        """SIGTERM, and wait: it finishes what it has in hand."""
        process = self.processes.pop(name)
        process.terminate()
        process.wait(seconds)

    def stop(self) -> None:
        """kill -9 of all: nothing of what they keep is looked at again."""
        for name in list(self.processes):
            self.kill(name)
        if self._manage is not None:
            self._manage.stop()
        self.valkey.stop()
        self.http.close()

    def manage(self, *arguments: str, input: bytes | None = None) -> str:
        """Run manage.py; returns what it prints. A failure raises with the error output."""
        if input is not None:
            result = subprocess.run(
                [sys.executable, "manage.py", *arguments],
                cwd=ROOT, env=self.environment, input=input, capture_output=True, check=False,
            )  # fmt: skip
            code, output, errors = result.returncode, result.stdout.decode(), result.stderr.decode()
        else:
            if self._manage is None or self._manage.environment != self.environment:
                if self._manage is not None:
                    self._manage.stop()
                self._manage = Manage(self.environment)
            code, output, errors = self._manage.run(*arguments)
        if code != 0:
            raise AssertionError(f"manage.py {arguments}: {errors[-3000:]}")
        return output

    def run_code(self, code: str) -> str:
        """Run Python code with Django set up, in a process of its own; returns what it prints."""
        return self.manage("shell", "--no-imports", "-c", code)

    def token(self, username: str = "organizer") -> str:
        """An API token, as an operator makes one; made once."""
        if username not in self._tokens:
            self._tokens[username] = self.manage("drf_create_token", username).split()[2]
        return self._tokens[username]

    def get(self, path: str, *, token: str | None = None, **params: Any) -> Any:
        headers = {"Authorization": f"Token {token or self.token()}"}
        response = self.http.get(path, params=params, headers=headers)
        response.raise_for_status()
        return response.json()

    def post(self, events: list[dict[str, Any]], **body: Any) -> httpx.Response:
        """Send a batch of events; the answer is not checked."""
        return self.http.post("/api/analytics/events", json={"events": events, **body})

    def redis(self) -> redis.Redis:
        return redis.Redis.from_url(self.valkey.url)

    def log(self, name: str) -> bytes:
        path = self.directory / f"{name}.log"
        return path.read_bytes() if path.exists() else b""

    def wait_for(
        self, look: Callable[[], _Found], what: str, *, seconds: float = 60, every: float = 0.1
    ) -> _Found:
        """Call `look` until it returns something true, and return that."""
        deadline = time.monotonic() + seconds
        while True:
            found = look()
            if found:
                return found
            if time.monotonic() > deadline:
                logs = "\n".join(
                    f"--- {name}\n{self.log(name)[-1500:].decode(errors='replace')}"
                    for name in self.processes
                )
                raise AssertionError(f"waited {seconds} s for {what}; last seen: {found!r}\n{logs}")
            time.sleep(every)

    def _web_answers(self) -> bool:
        try:
            return self.http.get("/healthz").status_code == 200
        except httpx.TransportError:
            return False


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
