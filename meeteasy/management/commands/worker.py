import os
import sys
import time
import warnings
from argparse import ArgumentParser
from typing import Any

import redis
from celery.exceptions import SecurityWarning
from celery.worker import state
from django.core.management.base import BaseCommand

from meeteasy.celery import app
from meeteasy.consuming import tell_systemd
from meeteasy.core.logs import get_logger
from meeteasy.core.queues import WORKER_OPTIONS, Queue
from meeteasy.core.redis import get_quick_redis
from meeteasy.core.systemd import notify

log = get_logger(__name__)


class Command(BaseCommand):
    help = "Run a Celery worker for some queues, with the options that meeteasy/core/queues.py gives them."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("queues", nargs="+", choices=[str(queue) for queue in Queue], metavar="QUEUE")
        parser.add_argument("--concurrency", type=int, help="child processes, if not as many as given there")

    def handle(self, *, queues: list[str], concurrency: int | None, **options: Any) -> None:
        tell_systemd(queues)
        # With several queues it is as quick as the most urgent one needs.
        niceness = min(WORKER_OPTIONS[Queue(name)].niceness for name in queues)
        os.setpriority(os.PRIO_PROCESS, 0, max(os.getpriority(os.PRIO_PROCESS, 0), niceness))
        concurrency = concurrency or sum(WORKER_OPTIONS[Queue(name)].concurrency for name in queues)
        code = _run(
            [
                *("--quiet", "worker"),
                *("--queues", ",".join(queues), "--concurrency", str(concurrency)),
                *("--hostname", f"{'+'.join(queues)}@%h", "--loglevel", "INFO"),
                *("--without-gossip", "--without-mingle"),  # they talk to all workers, and none listens
            ]
        )
        if state.should_stop is None and state.should_terminate is None and _redis_refuses_writes():
            _wait_for_redis()
            os.execv(sys.executable, [sys.executable, *sys.argv])  # noqa: S606
        sys.exit(code)


def _run(arguments: list[str]) -> int:
    """Run Celery's worker until it ends. Returns its exit code."""
    # Celery warns at each start as root, which is normal in containers.
    warnings.filterwarnings("ignore", category=SecurityWarning)
    try:
        code: Any = app.start(arguments)
    except SystemExit as end:
        code = end.code
    return int(code or 0)


def _redis_refuses_writes() -> bool:
    """Whether Redis refuses writes, for example on a full disk. Celery gives up then, though it passes."""
    try:
        get_quick_redis().set("writes:probe", 1, ex=60)
    except redis.ResponseError:
        return True
    except redis.RedisError:
        return False
    return False


def _wait_for_redis() -> None:
    log.error("worker_waits", reason="Redis refuses writes; is its disk full?")
    while _redis_refuses_writes():
        notify("WATCHDOG=1")
        time.sleep(2)
