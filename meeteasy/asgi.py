"""The ASGI application: the event door for its one path, web sockets, Django for the rest."""

import gc
import os
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "meeteasy.settings")
django_application = get_asgi_application()

from analytics.ingest.app import PATHS, ingest  # noqa: E402  needs the apps to be loaded
from live.hub import hub  # noqa: E402
from live.routing import websocket_application  # noqa: E402

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    kind = scope["type"]
    if kind == "http":
        if scope["path"] in PATHS:
            await ingest(scope, receive, send)
        else:
            await django_application(scope, receive, send)  # type: ignore[arg-type]
    elif kind == "websocket":
        await websocket_application(scope, receive, send)
    elif kind == "lifespan":
        await _lifespan(receive, send)


async def _lifespan(receive: Receive, send: Send) -> None:
    """Start and stop with the server. An unreachable Redis does not keep it from starting: it answers 503."""
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            await ingest.start()
            # What is loaded by now stays; the collector need not walk it again while requests wait.
            gc.collect()
            gc.freeze()
            await send({"type": "lifespan.startup.complete"})
        else:
            await ingest.stop()
            await hub.stop()
            await send({"type": "lifespan.shutdown.complete"})
            return
