"""Servers that tests start for themselves."""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psutil
import psycopg
import redis
from pymongo import MongoClient, timeout
from pymongo.errors import PyMongoError


def free_port() -> int:
    """A port that no process uses now, and that the kernel gives to no outgoing connection: a server that is
    killed finds it free when it comes back. (Linux takes those from 32768 on.)"""
    while True:
        port = 16_000 + secrets.randbelow(16_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


class ValkeyServer:
    """A Valkey with its append-only file in `directory`; can be killed and started again.

    Without fsync, as the PostgreSQL below: while a busy disk takes seconds for one, Valkey answers nobody.
    """

    def __init__(self, *, port: int, directory: Path) -> None:
        self.environment: dict[str, str] = {}  # in addition to this process'
        self.port = port
        self.directory = directory
        self.url = f"redis://127.0.0.1:{port}/0"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        from meeteasy.valkey import server_command  # not before Django's settings have their variables

        self.directory.mkdir(parents=True, exist_ok=True)
        self.process = subprocess.Popen(
            [*server_command(port=self.port, directory=self.directory), "--appendfsync", "no"],
            env={**os.environ, **self.environment}, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        client = redis.Redis.from_url(self.url)
        deadline = time.monotonic() + 60
        while True:
            try:
                client.ping()
                break
            except redis.RedisError:
                if time.monotonic() > deadline or self.process.poll() is not None:
                    raise
                time.sleep(0.02)
        client.close()

    def pause(self) -> None:
        """SIGSTOP: it keeps its connections and answers nothing, from now on until `resume`."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)
        while psutil.Process(self.process.pid).status() != psutil.STATUS_STOPPED:
            time.sleep(0.001)  # the signal takes effect when the process is next scheduled

    def resume(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """kill -9"""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()


class PostgresqlServer:
    """Debian's PostgreSQL on a loopback port, in a directory of its own; can be killed and started again.

    The program refuses to run as root, so there the user `postgres` of the package runs it.

    language: by which it sorts texts, such as en-US; without one, by code points.
    """

    def __init__(self, *, language: str = "") -> None:
        self.port = free_port()
        self.url = f"postgres://postgres@127.0.0.1:{self.port}/postgres"
        self.process: subprocess.Popen[bytes] | None = None
        self._programs = self.find_programs()
        assert self._programs is not None
        # Not below pytest's own directories, which nobody but root may enter.
        self.directory = Path(tempfile.mkdtemp(prefix="meeteasy-postgresql-"))
        self._as_owner: dict[str, Any] = {"cwd": self.directory}
        if os.geteuid() == 0:
            shutil.chown(self.directory, "postgres", "postgres")
            self._as_owner |= {"user": "postgres", "group": "postgres", "extra_groups": []}
        order = ["--locale-provider", "icu", "--icu-locale", language] if language else []
        subprocess.run(
            [self._programs / "initdb", "-D", self.directory / "data", "-U", "postgres", "--no-sync",
             "--auth", "trust", "--encoding", "UTF8", "--locale", "C.UTF-8", *order],
            check=True, capture_output=True, **self._as_owner,
        )  # fmt: skip

    @staticmethod
    def find_programs() -> Path | None:
        """The directory with `initdb` and `postgres` of the newest version installed."""
        found = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
        return max(found, key=lambda path: int(path.parent.name), default=None)

    def start(self) -> None:
        assert self._programs is not None
        # Without fsync: what a killed process has written is in the kernel's hands, as without a power cut.
        settings = {"listen_addresses": "127.0.0.1", "unix_socket_directories": str(self.directory),
                    "fsync": "off"}  # fmt: skip
        with open(self.directory / "log", "ab") as log:
            self.process = subprocess.Popen(
                [self._programs / "postgres", "-D", self.directory / "data", "-p", str(self.port)]
                + [part for name, value in settings.items() for part in ("-c", f"{name}={value}")],
                stdout=log, stderr=log, **self._as_owner,
            )  # fmt: skip
        deadline = time.monotonic() + 60
        while True:
            try:
                psycopg.connect(self.url, connect_timeout=2).close()
                return
            except psycopg.OperationalError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)

    def stop(self) -> None:
        """An immediate shutdown: as a crash, but its processes end."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait(30)

    def create_database(self, name: str, *, template: str = "template1") -> str:
        """Create a copy of the database `template`, by default an empty one. Returns its URL.

        Its name begins with `name`; a test that is run again gets another one.
        """
        name = f"{name}_{secrets.token_hex(4)}"
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"'.encode())
        return self.url.removesuffix("postgres") + name

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)


class MongodbServer:
    """A database of its own on the server of MONGODB_URI, which tests cannot start themselves.

    What stops, continues and kills the server are shell commands in the environment: TEST_MONGODB_PAUSE,
    _RESUME, _STOP, _KILL and _START (docs/mongodb.md). uri: the server's, if not that of the tests.
    """

    COMMANDS = ("PAUSE", "RESUME", "STOP", "KILL", "START")

    def __init__(self, uri: str = "") -> None:
        self.uri = uri or os.environ["TESTS_MONGODB_URI"]
        self.database = f"meeteasy_test_{secrets.token_hex(4)}"

    @classmethod
    def find_missing(cls) -> list[str]:
        """The names of the variables that a test of faults needs and does not have."""
        names = ["MONGODB_URI", *(f"TEST_MONGODB_{name}" for name in cls.COMMANDS)]
        has = {**os.environ, "MONGODB_URI": os.environ["TESTS_MONGODB_URI"]}
        return [name for name in names if not has.get(name)]

    @property
    def url(self) -> str:
        """The address with the database, for programs that take one argument."""
        parts = urlsplit(self.uri)
        options = parts.query if "authSource=" in parts.query else f"authSource=admin&{parts.query}"
        return urlunsplit(parts._replace(path=f"/{self.database}", query=options.rstrip("&")))

    def pause(self) -> None:
        """It keeps its connections and answers nothing, until `resume`."""
        self._run("PAUSE")

    def resume(self) -> None:
        self._run("RESUME")

    def stop(self) -> None:
        self._run("STOP")

    def kill(self) -> None:
        """kill -9"""
        self._run("KILL")

    def start(self) -> None:
        """Start it and wait until it takes a write."""
        self._run("START")
        deadline = time.monotonic() + 120
        while True:
            client: MongoClient[dict[str, Any]] = MongoClient(self.uri, serverSelectionTimeoutMS=2000)
            try:
                with client, timeout(5):
                    client[self.database]["started"].insert_one({})
                return
            except PyMongoError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)

    def remove(self) -> None:
        with MongoClient(self.uri) as client:
            client.drop_database(self.database)

    def _run(self, name: str) -> None:
        subprocess.run(os.environ[f"TEST_MONGODB_{name}"], shell=True, check=True, timeout=120)
