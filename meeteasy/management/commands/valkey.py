import os
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management.base import BaseCommand

from meeteasy.valkey import server_command


class Command(BaseCommand):
    help = "Run the embedded Valkey in the foreground, on the port of REDIS_URL, with its data in DATA_DIR."
    requires_system_checks: list[str] = []

    def handle(self, **options: Any) -> None:
        directory = settings.DATA_DIR / "valkey"
        directory.mkdir(parents=True, exist_ok=True)
        command = server_command(port=urlsplit(settings.REDIS_URL).port or 6379, directory=directory)
        os.execv(command[0], command)  # noqa: S606
