"""Warm event pages, answered by the web process itself before Django (docs/adr/0050).

Django's middleware, its thread and its request cost several times what a page does that is already rendered.
What is answered here is only what Django would answer: the page from the same cache, with the headers that
Django gave when it last answered such a request. All other requests are passed on to it.
"""

import asyncio
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from weakref import WeakValueDictionary

from django.conf import settings
from django.http import QueryDict
from django.http.request import split_domain_port, validate_host
from redis.exceptions import RedisError

from analytics.ingest.exchange import Exchange
from meeteasy.core.asgi import Application, Receive, Scope, Send
from meeteasy.core.redis import connect_async
from meeteasy.core.request_ids import HEADER, choose_id
from visuspace import cache
from visuspace.language import choose_language, read_wanted
from visuspace.visits import insert_code, read_code

_PATH = re.compile(r"/conf/([^/]+)\Z")
# With any of these an answer might be another one.
_FOR_DJANGO = frozenset(
    {b"cookie", b"origin", b"authorization", b"content-type", b"content-length", b"transfer-encoding"}
)
# Too few for more fields than Django takes.
_MOST_QUERY_BYTES = 1024
_TIMEOUT_SECONDS = 0.5
# After Redis did not answer, Django answers alone for this long.
_PAUSE_SECONDS = 1.0
# How long a visitor waits for another one's page.
_WAIT_SECONDS = 1.0
# These differ with each answer.
_REQUEST_ID = HEADER.lower().encode()
_OWN_HEADERS = frozenset({b"content-length", _REQUEST_ID})

_Headers = list[tuple[bytes, bytes]]


@dataclass(frozen=True)
class _Visit:
    """What an answer depends on. wanted: the visitor's languages. code: their share code, or ""."""

    conference_id: str
    scheme: str
    wanted: list[str]
    code: str
    request_id: str


class WarmPages:
    """ASGI application for the paths of event pages; `app` is Django's."""

    def __init__(self, app: Application) -> None:
        self._app = app
        self._reader: cache.Reader | None = None
        self._paused_until = 0.0
        # Of Django's last answer, by scheme and language.
        self._headers: dict[tuple[str, str], _Headers] = {}
        self._rendering: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        visit = _read_visit(scope)
        if visit is None:
            await self._app(scope, receive, send)
            return
        if await self._answer(visit, send):
            return
        # One visitor has a cold page rendered; the others wait for it.
        rendering = self._rendering.setdefault(visit.conference_id, asyncio.Lock())
        is_ours = not self._is_paused and await _acquire(rendering)
        try:
            if not await self._answer(visit, send):
                await self._app(scope, receive, self._note_headers(visit.scheme, send))
        finally:
            if is_ours:
                rendering.release()

    async def _answer(self, visit: _Visit, send: Send) -> bool:
        """Answer if the page is warm. Returns whether it was."""
        language, html = await self._read(visit)
        known = self._headers.get((visit.scheme, language))
        if not html or known is None:
            return False
        body = insert_code(html, visit.code).encode()
        own = [(b"content-length", b"%d" % len(body)), (_REQUEST_ID, visit.request_id.encode())]
        await send({"type": "http.response.start", "status": 200, "headers": known + own})
        await send({"type": "http.response.body", "body": body})
        return True

    async def stop(self) -> None:
        if self._reader is not None:
            await self._reader.close()

    @property
    def _is_paused(self) -> bool:
        return time.monotonic() < self._paused_until

    async def _read(self, visit: _Visit) -> tuple[str, str]:
        """Return the language and the page for this visitor; empty ones unless it is warm."""
        if self._is_paused:
            return "", ""
        if self._reader is None:
            self._reader = cache.Reader(Exchange(connect_async(), timeout_seconds=_TIMEOUT_SECONDS))
        try:
            languages = await self._reader.read_languages(visit.conference_id)
            if not languages:
                return "", ""
            language = choose_language(languages, visit.wanted)
            return language, await self._reader.read_page(visit.conference_id, language) or ""
        except (RedisError, OSError):  # TimeoutError is one
            self._paused_until = time.monotonic() + _PAUSE_SECONDS
            return "", ""

    def _note_headers(self, scheme: str, send: Send) -> Send:
        async def note_and_send(message: Any) -> None:
            if message["type"] == "http.response.start" and message["status"] == 200:
                self._note(scheme, message["headers"])
            await send(message)

        return note_and_send

    def _note(self, scheme: str, headers: Iterable[tuple[bytes, bytes]]) -> None:
        kept = [(name, value) for name, value in headers if name.lower() not in _OWN_HEADERS]
        named = {name.lower(): value for name, value in kept}
        language = named.get(b"content-language", b"").decode()
        if language and b"set-cookie" not in named:
            self._headers[scheme, language] = kept


async def _acquire(lock: asyncio.Lock) -> bool:
    try:
        async with asyncio.timeout(_WAIT_SECONDS):
            return await lock.acquire()
    except TimeoutError:
        return False


def _read_visit(scope: Scope) -> _Visit | None:
    """Return None for what Django has to answer."""
    path = _PATH.match(scope["path"])
    raw_query: bytes = scope["query_string"]
    is_plain = len(raw_query) <= _MOST_QUERY_BYTES and b"%00" not in raw_query
    headers = dict(scope["headers"])
    is_unique = len(headers) == len(scope["headers"])
    if not path or scope["method"] != "GET" or not is_plain or not is_unique or headers.keys() & _FOR_DJANGO:
        return None
    domain = split_domain_port(headers.get(b"host", b"").decode("latin-1"))[0]
    if not domain or not validate_host(domain, settings.ALLOWED_HOSTS):
        return None
    query = QueryDict(raw_query)
    return _Visit(
        conference_id=path[1],
        scheme=scope["scheme"],
        wanted=read_wanted(query.get("lang", ""), headers.get(b"accept-language", b"").decode("latin-1")),
        code=read_code(query.get("_s", "")),
        request_id=choose_id(headers.get(_REQUEST_ID, b"").decode("latin-1")),
    )
