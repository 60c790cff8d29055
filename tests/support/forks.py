"""Python programs of the system, started as forks of a process that has loaded their libraries.

    python -m tests.support.forks

Loading takes most of the processor time of a program that a test starts. A fork begins with the libraries,
loads settings and apps for itself in its own environment, and is a process as any other. Real command lines
start where Python itself starts more of them (two web processes), for other code than this, with a preloaded
clock, and in tests of `bin/run`, of the units and of the containers.
"""

import array
import gc
import importlib
import json
import os
import runpy
import select
import selectors
import signal
import socket
import subprocess
import sys
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parent.parent.parent

# With what they import, nearly all that workers, beat and web processes load before their settings matter.
_LIBRARIES = (
    "babel.dates", "billiard.popen_fork", "billiard.sharedctypes", "celery.app.amqp", "celery.app.control",
    "celery.app.events", "celery.app.log", "celery.apps.worker", "celery.backends.base", "celery.beat",
    "celery.bin.celery", "celery.concurrency.prefork", "celery.events.receiver", "celery.worker.autoscale",
    "celery.worker.components", "celery.worker.consumer", "celery.worker.loops", "celery.worker.pidbox",
    "celery.worker.strategy", "channels.auth", "channels.generic.websocket", "channels_redis.pubsub",
    "corsheaders.middleware", "cron_descriptor", "crontab", "csp.middleware", "dj_database_url",
    "django.contrib.admin", "django.core.cache.backends.redis", "django.core.mail.backends.smtp",
    "django.db.backends.sqlite3.base", "django.db.migrations.executor", "django.template.defaulttags",
    "django.template.loader_tags", "django.templatetags.i18n", "django.views.debug", "django.views.generic",
    "h11", "httpcore", "httpx", "jinja2", "kombu.transport.redis", "maxminddb", "msgspec.json",
    "phonenumbers", "PIL.Image", "prometheus_client", "redis.asyncio", "rest_framework.serializers",
    "segno", "structlog", "ua_parser", "uuid_utils", "uvicorn.loops.uvloop", "uvicorn.main",
    "uvicorn.protocols.http.httptools_impl", "whitenoise.middleware",
)  # fmt: skip
_MAX_REQUEST = 256 * 1024
# What the interpreter or the loader reads before a program's first line.
READ_AT_START = ("LD_PRELOAD", "PYTHONPATH", "PYTHONTZPATH", "PYTHONHASHSEED", "TZ")


class Fork:
    """A program that runs as a fork; as a Popen, as far as tests use one."""

    def __init__(self, args: Sequence[str], status: socket.socket) -> None:
        self.args = list(args)
        self.returncode: int | None = None
        self._status = status
        self.pid = self._read(None)

    def _read(self, timeout: float | None) -> int:
        """The next number that the server tells. Raises TimeoutExpired."""
        if not select.select([self._status], [], [], timeout)[0]:
            raise subprocess.TimeoutExpired(self.args, timeout or 0)
        told = self._status.recv(4)
        return array.array("i", told)[0] if told else -signal.SIGKILL

    def wait(self, timeout: float | None = None) -> int:
        if self.returncode is None:
            self.returncode = self._read(timeout)
            self._status.close()
        return self.returncode

    def poll(self) -> int | None:
        try:
            return self.wait(0)
        except subprocess.TimeoutExpired:
            return None

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


class _Server:
    """The process with the libraries. It ends when this one does."""

    def __init__(self) -> None:
        self._requests, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-u", "-m", "tests.support.forks", str(theirs.fileno())],
                cwd=ROOT, pass_fds=[theirs.fileno()],
            )  # fmt: skip

    def fork(self, args: Sequence[str], environment: Mapping[str, str], files: Sequence[IO[bytes]]) -> Fork:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        request = json.dumps([args, dict(environment)]).encode()
        with theirs:
            numbers = [theirs.fileno(), *(file.fileno() for file in files)]
            socket.send_fds(self._requests, [request], numbers)
        return Fork(args, ours)


_server: _Server | None = None


def start_python(
    args: Sequence[str],
    environment: Mapping[str, str],
    *,
    output: IO[bytes],
    errors: IO[bytes],
    input: IO[bytes] | None = None,
    is_real: bool = False,
    directory: Path = ROOT,
) -> Fork | subprocess.Popen[bytes]:
    """Start Python with these arguments: `manage.py …`, `-m module …` or `-c code`.

    It is a real start if `is_real`, in another directory, or with other values of READ_AT_START than ours.
    """
    global _server
    is_real = is_real or directory != ROOT or not hasattr(os, "pidfd_open")
    if is_real or any(environment.get(name) != os.environ.get(name) for name in READ_AT_START):
        return subprocess.Popen(
            [sys.executable, *args],
            cwd=directory, env=environment, stdin=input, stdout=output, stderr=errors,
        )  # fmt: skip
    if _server is None:
        _server = _Server()
    with open(os.devnull, "rb") as nothing:
        return _server.fork(args, environment, [input or nothing, output, errors])


class _Program:
    """What a fork is to run, and what it has instead of the server's files."""

    def __init__(self, request: bytes, numbers: list[int]) -> None:
        self.args, self.environment = json.loads(request)
        self.files = numbers

    def enter(self) -> None:
        for number, file in enumerate(self.files):
            os.dup2(file, number)
            os.close(file)
        os.environ.clear()
        os.environ.update(self.environment)

    def run(self) -> None:
        if self.args[:2] == ["manage.py", "web"]:
            self.args, self.environment = _ask_for_exec(self.args)
            os.environ.clear()
            os.environ.update(self.environment)
        if self.args[0] == "-m":
            sys.argv = self.args[1:]
            runpy.run_module(self.args[1], run_name="__main__", alter_sys=True)
        elif self.args[0] == "-c":
            sys.argv = ["-c"]
            exec(self.args[1], {"__name__": "__main__"})
        else:
            sys.argv = self.args
            runpy.run_path(self.args[0], run_name="__main__")


def _ask_for_exec(args: list[str]) -> tuple[list[str], dict[str, str]]:
    """Run a program that ends by executing Python again, in a fork of its own: the arguments and environment
    of that second Python, which this process can run without having settings already."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:

        def tell(path: str, arguments: list[str], environment: Mapping[str, str]) -> None:
            os.write(writing, json.dumps([arguments[1:], dict(environment)]).encode())
            os._exit(0)

        os.execve = tell  # type: ignore[assignment]
        sys.argv = args
        try:
            runpy.run_path(args[0], run_name="__main__")
        except BaseException:
            traceback.print_exc()
        os._exit(1)
    os.close(writing)
    with os.fdopen(reading, "rb") as answer:
        told = answer.read()
    if code := os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]):
        sys.exit(code)
    arguments, environment = json.loads(told)
    return arguments, environment


def _serve(requests: socket.socket) -> _Program | None:
    """Fork for each request, and tell of each fork its pid and, when it has ended, its exit code.

    Returns in each fork, with what it is to run; in the server, when nobody can ask any more.
    """
    selector = selectors.DefaultSelector()
    selector.register(requests, selectors.EVENT_READ)
    while True:
        for key, _events in selector.select():
            if key.fileobj is not requests:
                pid, status = key.data
                code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
                _tell(status, code)
                selector.unregister(key.fileobj)
                os.close(key.fd)
                status.close()
                continue
            request, numbers, _flags, _address = socket.recv_fds(requests, _MAX_REQUEST, 4)
            if not request:
                return None
            status = socket.socket(fileno=numbers[0])
            pid = os.fork()
            if pid == 0:
                for entry in selector.get_map().values():
                    if entry.data:
                        entry.data[1].close()
                        os.close(entry.fd)
                selector.close()
                status.close()
                requests.close()
                return _Program(request, numbers[1:])
            for number in numbers[1:]:
                os.close(number)
            _tell(status, pid)
            selector.register(os.pidfd_open(pid), selectors.EVENT_READ, (pid, status))


def _tell(status: socket.socket, number: int) -> None:
    with suppress(OSError):  # nobody listens any more
        status.send(array.array("i", [number]).tobytes())


def _load() -> None:
    for name in _LIBRARIES:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it ends with whoever started it
    _requests = socket.socket(fileno=int(sys.argv[1]))
    _load()
    _program = _serve(_requests)
    if _program is not None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        _program.enter()
        _program.run()
