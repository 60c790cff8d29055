import os
import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from meeteasy import env


class Command(BaseCommand):
    help = "Run the web server: HOST, PORT and WEB_PROCESSES say where, and how many processes."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default=env.read_str("HOST", "127.0.0.1"))
        parser.add_argument("--port", type=int, default=env.read_int("PORT", 8000))
        parser.add_argument("--processes", type=int, default=env.read_int("WEB_PROCESSES", 2, minimum=1))

    def handle(self, *, host: str, port: int, processes: int, **options: Any) -> None:
        # A request should give up on the database long before a background task does.
        environment = {"DATABASE_WAIT_SECONDS": "5", **os.environ}
        proxies = ["--no-proxy-headers"]
        if settings.TRUSTED_PROXIES:
            proxies = ["--proxy-headers", "--forwarded-allow-ips", ",".join(settings.TRUSTED_PROXIES)]
        os.execve(  # noqa: S606
            sys.executable,
            [
                *(sys.executable, "-m", "uvicorn", "meeteasy.asgi:application"),
                *("--host", host, "--port", str(port), "--workers", str(processes)),
                *("--http", "meeteasy.serving.protocol:BoundedProtocol"),
                *("--ws-max-size", "65536", "--ws-per-message-deflate", "false"),
                *proxies,
                *("--no-access-log", "--no-server-header", "--log-level", "warning"),
            ],
            environment,
        )
