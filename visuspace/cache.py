"""Rendered pages and pictures, shared by all web processes, so that a warm page needs no database.

Everything in here can be made again. While Redis is away nothing is cached.
"""

from collections.abc import Callable
from typing import TypeVar

import redis
from django.core.cache import cache

from conferences.models import Conference
from meeteasy.core.logs import get_logger

log = get_logger(__name__)

# How old the number of free places on a page may be. Other changes remove the page at once, except for what
# was being rendered at that moment; that is why pictures do not live for days either.
PAGE_SECONDS = 15
PICTURE_SECONDS = 300

_Content = TypeVar("_Content", str, bytes, list[str])


def get_languages(conference_id: str, make: Callable[[], list[str]]) -> list[str]:
    """Return the languages of a conference. `make` loads them, and may raise."""
    return _get(_languages(conference_id), make, seconds=PAGE_SECONDS)


def get_page(conference_id: str, language: str, make: Callable[[], str]) -> str:
    """Return the page of a conference in a language. `make` renders it if it is not there."""
    return _get(_page(conference_id, language), make, seconds=PAGE_SECONDS)


def get_picture(conference_id: str, language: str, make: Callable[[], bytes]) -> bytes:
    """Return the picture of a conference for previews in messengers, as PNG."""
    return _get(_picture(conference_id, language), make, seconds=PICTURE_SECONDS)


def forget(conference: Conference) -> None:
    """Remove what is cached of a conference."""
    names = [make(conference.id, language) for language in conference.languages for make in (_page, _picture)]
    names.append(_languages(conference.id))
    try:
        cache.delete_many(names)
    except (redis.RedisError, OSError) as error:
        log.warning("page_cache_unavailable", error=str(error))


def _languages(conference_id: str) -> str:
    return f"visuspace:languages:{conference_id}"


def _page(conference_id: str, language: str) -> str:
    return f"visuspace:page:{conference_id}:{language}"


def _picture(conference_id: str, language: str) -> str:
    return f"visuspace:picture:{conference_id}:{language}"


def _get(name: str, make: Callable[[], _Content], *, seconds: int) -> _Content:
    try:
        known: _Content | None = cache.get(name)
    except (redis.RedisError, OSError) as error:
        log.warning("page_cache_unavailable", error=str(error))
        return make()
    if known is not None:
        return known
    made = make()
    try:
        cache.set(name, made, timeout=seconds)
    except (redis.RedisError, OSError) as error:
        log.warning("page_cache_unavailable", error=str(error))
    return made
