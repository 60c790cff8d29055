"""`manage.py up`: everything that a machine needs, under one supervisor. `bin/run` calls it."""

import ctypes
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import honcho.compat
import honcho.environ
import honcho.manager
import honcho.process
import redis
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from meeteasy import env
from meeteasy.core.redis import get_quick_redis
from meeteasy.schedule import sync_schedule
from meeteasy.valkey import server_command


class Command(BaseCommand):
    help = "Set up the databases, then run Valkey and every process of the Procfile until Ctrl-C."

    def handle(self, **options: Any) -> None:
        port = int(os.environ.get("PORT", "8000"))
        _refuse_taken_port(port, "PORT")
        valkey = None if env.read_optional("REDIS_URL") else _start_valkey()
        try:
            call_command("migrate", interactive=False, verbosity=0)
            if "analytics" in settings.DATABASES:
                call_command("migrate", database="analytics", interactive=False, verbosity=0)
            call_command("collectstatic", interactive=False, verbosity=0)
            sync_schedule()
            self._print_addresses(port, _create_demo())
            code = _supervise(valkey)
        finally:
            if valkey is not None:
                valkey.terminate()
                valkey.wait()
        sys.exit(code)

    def _print_addresses(self, port: int, password: str | None) -> None:
        base = f"http://localhost:{port}"
        who = (
            f"organizer, password {password}" if password else "organizer, password as printed at first start"
        )
        for line in (
            f"MeetEasy at {base}",
            f"  admin     {base}/admin/   ({who})",
            f"  live      {base}/live/test",
            *([f"  mailbox   {base}/dev/mailbox   (mails and SMS)"] if settings.DEVELOPMENT_MAILBOX else []),
            f"  API       {base}/api/docs",
            f"  events    POST {base}/api/analytics/events",
            "  token     manage.py drf_create_token organizer   (bin/manage on a machine set up by bin/run)",
            "  Ctrl-C stops everything",
        ):
            self.stdout.write(line)
        self.stdout.flush()


def _start_valkey() -> "subprocess.Popen[bytes]":
    """The embedded server. In a session of its own, so that Ctrl-C reaches the workers but not it: they
    still need it to give back what they hold. It is stopped last."""
    port = urlsplit(settings.REDIS_URL).port or 6379
    _refuse_taken_port(port, "VALKEY_PORT")
    directory = settings.DATA_DIR / "valkey"
    directory.mkdir(parents=True, exist_ok=True)
    process = subprocess.Popen(  # noqa: S603
        server_command(port=port, directory=directory),
        start_new_session=True,
        preexec_fn=partial(_end_with_parent, signal.SIGTERM),
    )
    client = get_quick_redis()
    for _ in range(200):
        try:
            client.ping()
            return process
        except redis.RedisError:
            time.sleep(0.05)
    process.kill()
    raise CommandError("Valkey did not answer within 10 seconds")


def _end_with_parent(number: int) -> None:
    """Let the kernel send this process the signal when its parent ends, kill -9 included. Linux only."""
    if sys.platform == "linux":
        set_parent_death_signal = 1  # PR_SET_PDEATHSIG of <sys/prctl.h>; an exec keeps it
        ctypes.CDLL(None).prctl(set_parent_death_signal, number)


class _Process(honcho.process.Process):  # type: ignore[misc]
    """A process of the Procfile that does not outlive the supervisor, which starts one of honcho's for each,
    to run `run`."""

    def run(self, *args: Any, **kwargs: Any) -> None:
        self._supervisor = os.getppid()
        signal.signal(signal.SIGHUP, self._end)
        _end_with_parent(signal.SIGHUP)
        super().run(*args, **kwargs)

    def _end(self, *_: Any) -> None:
        if os.getppid() == self._supervisor:
            return  # a terminal hung up, which says nothing to a supervisor that was started with nohup
        if self._child is not None:
            self._child.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._child.wait(honcho.manager.KILL_WAIT)
            with suppress(ProcessLookupError):
                os.killpg(self._child.pid, signal.SIGKILL)
        os._exit(1)


class _Processes(honcho.compat.ProcessManager):  # type: ignore[misc]
    def terminate(self, pid: int) -> None:
        """Ask the process alone, not its group as honcho does: a worker would lose the task that it runs."""
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)


class _Manager(honcho.manager.Manager):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self._process_ctor = _Process
        self._procmgr = _Processes()


def _supervise(valkey: "subprocess.Popen[bytes] | None") -> int:
    """Run the Procfile until a signal comes or a process ends. Returns the exit code.

    The end of one process ends all: half a system that looks alive is worse than one that is down.
    """
    manager = _Manager()
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "PYTHONUNBUFFERED": "1"}
    procfile = honcho.environ.parse_procfile((settings.BASE_DIR / "Procfile").read_text())
    for name, command in procfile.processes.items():
        manager.add_process(name, f"exec {command}", env=environment, cwd=str(settings.BASE_DIR))
    ending, valkey_died = threading.Event(), threading.Event()
    if valkey is not None:

        def watch() -> None:
            valkey.wait()
            if not ending.is_set():
                valkey_died.set()
                os.kill(os.getpid(), signal.SIGTERM)  # as an operator would: the manager ends the others

        threading.Thread(target=watch, daemon=True).start()
    manager.loop()
    ending.set()
    if valkey_died.is_set():
        sys.stderr.write("Valkey ended by itself\n")
        return 1
    return int(manager.returncode or 0)


def _refuse_taken_port(port: int, setting: str) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise CommandError(
                f"port {port} is in use; is MeetEasy running already? Set {setting} for another"
            ) from None


def _create_demo() -> str | None:
    """The user `organizer`, who owns the conference `test`, unless there is one. Returns a new password."""
    from conferences import services
    from conferences.models import Conference

    users = get_user_model().objects
    password = None
    organizer = users.filter(username="organizer").first()
    if organizer is None:
        password = secrets.token_urlsafe(12)
        organizer = users.create_superuser("organizer", "organizer@example.com", password)
    if not Conference.objects.filter(id="test").exists():
        services.create_conference(
            owner=organizer,
            id="test",
            name="Test conference",
            time_zone="UTC",
            languages=["en", "zh-hans"],
        )
    return password
