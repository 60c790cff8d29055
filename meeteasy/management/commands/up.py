"""`manage.py up`: everything that a machine needs, under one supervisor. `bin/run` calls it."""

import fcntl
import os
import resource
import secrets
import socket
import subprocess
import sys
import threading
import time
from argparse import ArgumentParser, BooleanOptionalAction
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from meeteasy import env
from meeteasy.management.commands.prepare import prepare
from meeteasy.supervising import supervise
from meeteasy.valkey import ValkeyError, start_server


class Command(BaseCommand):
    help = "Set up the databases, then run Valkey and every process of the Procfile until Ctrl-C."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--demo", action=BooleanOptionalAction,
            help="make a demo conference with weeks of history, or do not ask at the first start",
        )  # fmt: skip

    def handle(self, *, demo: bool | None, **options: Any) -> None:
        port = int(os.environ.get("PORT", "8000"))
        _raise_file_limit()
        lock = _lock_folder()
        _close_folder_to_others()
        _refuse_taken_port(port, "PORT")
        valkey = None if env.read_optional("REDIS_URL") else _start_valkey()
        try:
            prepare()
            password = create_organizer()
            if demo or (demo is None and password is not None and self._wants_demo()):
                call_command("demo", stdout=self.stdout)
            threading.Thread(target=self._print_when_it_answers, args=(port, password), daemon=True).start()
            code = supervise(valkey)
        finally:
            if valkey is not None:
                valkey.terminate()
                valkey.wait()
            lock.close()
        sys.exit(code)

    def _wants_demo(self) -> bool:
        """Ask a person at a terminal. Scripts and services are never asked."""
        if not (sys.stdin.isatty() and sys.stdout.isatty()):
            return False
        question = "Make a demo conference with six weeks of history? It takes half a minute. [Y/n] "
        try:
            return input(question).strip().lower() in ("", "y", "yes")
        except EOFError:
            return False

    def _print_when_it_answers(self, port: int, password: str | None) -> None:
        while True:
            with socket.socket() as probe:
                probe.settimeout(1)
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        with suppress(OSError):
            self._print_addresses(port, password)

    def _print_addresses(self, port: int, password: str | None) -> None:
        base = f"http://localhost:{port}"
        who = f"organizer, password {password or 'as printed at first start'}"
        for line in (
            f"MeetEasy at {base}",
            f"  console   {base}/console/   ({who})",
            f"  admin     {base}/admin/   (queues and rows, for operators)",
            *([f"  mailbox   {base}/dev/mailbox   (mails and SMS)"] if settings.DEVELOPMENT_MAILBOX else []),
            f"  API       {base}/api/docs",
            f"  events    POST {base}/api/analytics/events",
            "  demo      bin/manage demo   makes a conference with a history; --live plays visitors",
            "  password  manage.py changepassword organizer   sets a new one",
            "  token     manage.py drf_create_token organizer   (bin/manage on a machine set up by bin/run)",
            "  Ctrl-C stops everything",
        ):
            self.stdout.write(line)
        self.stdout.flush()


def _start_valkey() -> "subprocess.Popen[bytes]":
    port = urlsplit(settings.REDIS_URL).port or 6379
    _refuse_taken_port(port, "VALKEY_PORT")
    try:
        return start_server(port=port, directory=settings.DATA_DIR / "valkey")
    except ValkeyError as error:
        raise CommandError(str(error)) from error


def _lock_folder() -> Any:
    """Lock DATA_DIR until this process ends in any way. Returns the open file that holds the lock.

    Two systems on one folder, each with a Valkey of its own, would overwrite each other's events.
    """
    settings.DATA_DIR.mkdir(parents=True, exist_ok=True)
    file = (settings.DATA_DIR / "lock").open("a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.seek(0)
        holder = file.read().strip() or "unknown"
        raise CommandError(
            f"{settings.DATA_DIR} is in use by another MeetEasy (process {holder}). "
            "Stop that one, or set DATA_DIR to another folder"
        ) from None
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file


def _close_folder_to_others() -> None:
    """Make personal data and keys readable by this user alone, including those of an older version."""
    os.umask(0o077)
    for path in (settings.DATA_DIR, *settings.DATA_DIR.rglob("*")):
        if not path.is_symlink():
            with suppress(OSError):
                path.chmod(0o700 if path.is_dir() else 0o600)


def _raise_file_limit() -> None:
    """Raise the soft limit: each connection is an open file, and the usual 1024 is for interactive shells."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 65_536 if hard == resource.RLIM_INFINITY else hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _refuse_taken_port(port: int, setting: str) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise CommandError(
                f"port {port} is in use; is MeetEasy running already? Set {setting} for another"
            ) from None


def create_organizer() -> str | None:
    """Create the user `organizer` and their conference `test`, unless they exist. Returns a new password."""
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
