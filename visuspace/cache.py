"""Rendered pages and pictures, shared by all web processes, so that a warm page needs no database.

Everything in here can be made again. While Redis is away nothing is cached.
"""

import asyncio
from collections.abc import Callable

import msgspec
import redis

from analytics.ingest.exchange import Exchange, find_refusal
from conferences.models import Conference
from meeteasy.core.logs import get_logger
from meeteasy.core.redis import get_quick_redis

log = get_logger(__name__)

# How old the number of free places on a page may be. Other changes remove the page at once, except for what
# was being rendered at that moment; that is why pictures do not live for days either.
PAGE_SECONDS = 15
PICTURE_SECONDS = 300


def get_languages(conference_id: str, make: Callable[[], list[str]]) -> list[str]:
    """Return the languages of a conference. `make` loads them, and may raise."""
    stored = _get(_languages(conference_id), lambda: msgspec.json.encode(make()), seconds=PAGE_SECONDS)
    return msgspec.json.decode(stored, type=list[str])


def get_page(conference_id: str, language: str, make: Callable[[], str]) -> str:
    """Return the page of a conference in a language. `make` renders it if it is not there."""
    return _get(_page(conference_id, language), lambda: make().encode(), seconds=PAGE_SECONDS).decode()


def get_picture(conference_id: str, language: str, make: Callable[[], bytes]) -> bytes:
    """Return the picture of a conference for previews in messengers, as PNG."""
    return _get(_picture(conference_id, language), make, seconds=PICTURE_SECONDS)


class Reader:
    """Reads the same cache from an event loop. Those who ask while Redis is busy are answered together."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._asked: dict[str, asyncio.Future[bytes | None]] = {}
        self._task: asyncio.Task[None] | None = None

    async def read_languages(self, conference_id: str) -> list[str] | None:
        """Return None if they are not there. Raises RedisError, OSError."""
        stored = await self._read(_languages(conference_id))
        return None if stored is None else msgspec.json.decode(stored, type=list[str])

    async def read_page(self, conference_id: str, language: str) -> str | None:
        """Return None if it is not there. Raises RedisError, OSError."""
        stored = await self._read(_page(conference_id, language))
        return None if stored is None else stored.decode()

    async def close(self) -> None:
        if self._task is not None:
            await self._task
        await self._exchange.close()

    async def _read(self, name: str) -> bytes | None:
        if name not in self._asked:
            self._asked[name] = asyncio.get_running_loop().create_future()
        future = self._asked[name]
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._answer())
        return await asyncio.shield(future)  # others may wait for it, too

    async def _answer(self) -> None:
        while self._asked:
            asked, self._asked = self._asked, {}
            try:
                replies = await self._exchange.send([(b"MGET", *(name.encode() for name in asked))])
                if (refusal := find_refusal(replies)) is not None:
                    raise refusal
            except (redis.RedisError, OSError) as error:
                for future in asked.values():
                    future.set_exception(error)
                    future.exception()  # whoever asked may be gone
            else:
                for future, value in zip(asked.values(), replies[0], strict=True):
                    future.set_result(value)


def forget(conference: Conference) -> None:
    """Remove what is cached of a conference."""
    names = [make(conference.id, language) for language in conference.languages for make in (_page, _picture)]
    names.append(_languages(conference.id))
    try:
        get_quick_redis().delete(*names)
    except (redis.RedisError, OSError) as error:
        log.warning("page_cache_unavailable", error=str(error))


def _languages(conference_id: str) -> str:
    return f"visuspace:languages:{conference_id}"


def _page(conference_id: str, language: str) -> str:
    return f"visuspace:page:{conference_id}:{language}"


def _picture(conference_id: str, language: str) -> str:
    return f"visuspace:picture:{conference_id}:{language}"


def _get(name: str, make: Callable[[], bytes], *, seconds: int) -> bytes:
    try:
        known = get_quick_redis().get(name)
    except (redis.RedisError, OSError) as error:
        log.warning("page_cache_unavailable", error=str(error))
        return make()
    if known is not None:
        return bytes(known)  # type: ignore[arg-type]
    made = make()
    try:
        get_quick_redis().set(name, made, ex=seconds)
    except (redis.RedisError, OSError) as error:
        log.warning("page_cache_unavailable", error=str(error))
    return made
