import os
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from meeteasy.core.queues import WORKER_OPTIONS, Queue


class Command(BaseCommand):
    help = "Run a Celery worker for some queues, with the options that meeteasy/core/queues.py gives them."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("queues", nargs="+", choices=[str(queue) for queue in Queue], metavar="QUEUE")
        parser.add_argument("--concurrency", type=int, help="child processes, if not as many as given there")

    def handle(self, *, queues: list[str], concurrency: int | None, **options: Any) -> None:
        concurrency = concurrency or sum(WORKER_OPTIONS[Queue(name)].concurrency for name in queues)
        os.execv(  # noqa: S606
            sys.executable,
            [
                *(sys.executable, "-m", "celery", "--app", "meeteasy", "--quiet", "worker"),
                *("--queues", ",".join(queues), "--concurrency", str(concurrency)),
                *("--hostname", f"{'+'.join(queues)}@%h", "--loglevel", "INFO"),
                *("--without-gossip", "--without-mingle"),  # they talk to all workers, and nobody listens
            ],
        )
