"""The ASGI application: the event door, warm event pages, web sockets, and Django in a pool of threads."""

import asyncio
import gc
import multiprocessing
import os
import signal

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "meeteasy.settings")

from django.conf import settings
from django.core.wsgi import get_wsgi_application

django_application = get_wsgi_application()

from analytics.ingest.app import PATHS, ingest  # noqa: E402  needs the apps to be loaded
from live.hub import hub  # noqa: E402
from live.routing import websocket_application  # noqa: E402
from meeteasy.core.asgi import ByteBudget, Receive, Scope, Send, send_json  # noqa: E402
from meeteasy.core.heartbeats import log_silent  # noqa: E402
from meeteasy.core.systemd import notify, watchdog_seconds  # noqa: E402
from meeteasy.serving.bodies import BodyLimit  # noqa: E402
from meeteasy.serving.pool import Pool  # noqa: E402
from meeteasy.supervising import end_with_parent  # noqa: E402
from visuspace.warm import WarmPages  # noqa: E402

_bodies = ByteBudget(settings.MAX_BUFFERED_BYTES)


def _serve_django(*, threads: int) -> BodyLimit:
    pool = Pool(
        django_application,
        threads=threads,
        waiting=settings.WEB_MAX_WAITING,
        wait_seconds=settings.WEB_MAX_WAIT_SECONDS,
    )
    return BodyLimit(pool, limits=settings.BODY_LIMITS, default=settings.MAX_BODY_BYTES, budget=_bodies)


_django = _serve_django(threads=settings.WEB_THREADS)
# Monitoring must not wait behind the requests of clients.
_watching = _serve_django(threads=1)
_WATCHED = frozenset({"/readyz", "/metrics"})
_pages = WarmPages(_django)


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    kind = scope["type"]
    if kind == "http":
        path = scope["path"]
        if path in PATHS:
            await ingest(scope, receive, send)
        elif path == "/healthz":
            await send_json(send, 200, {"status": "ok"})
        elif path in _WATCHED:
            await _watching(scope, receive, send)
        elif path.startswith("/conf/"):
            await _pages(scope, receive, send)
        else:
            await _django(scope, receive, send)
    elif kind == "websocket":
        await websocket_application(scope, receive, send)
    elif kind == "lifespan":
        await _lifespan(receive, send)


async def _lifespan(receive: Receive, send: Send) -> None:
    """Start and stop with the server. It starts even if Redis is unreachable, and then answers 503."""
    watching: list[asyncio.Task[None]] = []
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            _end_with_parent()
            await ingest.start()
            watching = [asyncio.create_task(_watch_queues()), asyncio.create_task(_feed_watchdog())]
            # What is loaded by now stays, so the collector need not walk it again while requests wait.
            gc.collect()
            gc.freeze()
            await send({"type": "lifespan.startup.complete"})
            notify("READY=1")
        else:
            for task in watching:
                task.cancel()
            await ingest.stop()
            await _pages.stop()
            await hub.stop()
            await send({"type": "lifespan.shutdown.complete"})
            return


async def _watch_queues() -> None:
    await asyncio.sleep(50)  # workers may start later than we do
    while True:
        await asyncio.sleep(10)
        await asyncio.to_thread(log_silent)


async def _feed_watchdog() -> None:
    """Tell systemd that requests are served. uvicorn itself replaces a process that hangs."""
    seconds = watchdog_seconds()
    while seconds is not None:
        notify("WATCHDOG=1")
        await asyncio.sleep(seconds / 4)


def _end_with_parent() -> None:
    """End uvicorn's worker when its parent is killed. It would otherwise keep the port for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        end_with_parent(signal.SIGTERM)
        if os.getppid() != parent.pid:  # it was already killed
            os.kill(os.getpid(), signal.SIGTERM)
