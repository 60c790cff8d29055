"""Warm event pages, which the web process answers before Django."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from meeteasy.core.redis import get_quick_redis
from tests.support.system import System
from visuspace import cache
from visuspace.warm import WarmPages

PAGE = "<p>share-code-of-this-visit ?lang=deshare-query-of-this-visit</p>"
CODE = "AbCd1234EfGh5678"
HEADERS = [(b"host", b"localhost:8000")]


class Django:
    """What is behind: counts its requests, and answers with headers as Django does."""

    def __init__(self, *, headers: dict[bytes, bytes] | None = None, status: int = 200) -> None:
        self.asked = 0
        self.status = status
        self.render: Callable[[], Any] = lambda: None
        self.headers = {b"content-language": b"en", b"x-frame-options": b"DENY", **(headers or {})}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.asked += 1
        await asyncio.to_thread(self.render)
        own = [(b"content-length", b"6"), (b"x-request-id", b"django-id")]
        start = {
            "type": "http.response.start",
            "status": self.status,
            "headers": [*self.headers.items(), *own],
        }
        await send(start)
        await send({"type": "http.response.body", "body": b"django"})


async def ask(
    pages: WarmPages, path: str = "/conf/summit", query: str = "", **changes: Any
) -> tuple[dict[bytes, bytes], str]:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        raise AssertionError("nothing is read of a request without a body")

    scope = {
        "type": "http", "method": "GET", "scheme": "http", "path": path, "query_string": query.encode(),
        "headers": HEADERS, **changes,
    }  # fmt: skip
    await pages(scope, receive, send)
    return dict(sent[0]["headers"]), sent[1]["body"].decode()


@pytest.fixture
def warm() -> Iterator[None]:
    """A page of the conference `summit` is in the cache, as Django puts it there."""
    cache.get_languages("summit", lambda: ["en", "zh-hans"])
    cache.get_page("summit", "en", lambda: PAGE)
    yield
    get_quick_redis().flushall()


async def test_a_warm_page_does_not_reach_django(warm: None) -> None:
    django = Django()
    pages = WarmPages(django)
    assert (await ask(pages))[1] == "django"  # whose headers are not known yet
    for _ in range(3):
        headers, body = await ask(pages, query=f"_s={CODE}&utm_source=mail")
        assert body == f"<p>{CODE} ?lang=de&amp;_s={CODE}</p>"
    assert django.asked == 1
    assert headers[b"x-frame-options"] == b"DENY"
    assert headers[b"content-length"] == str(len(body)).encode()
    assert headers[b"x-request-id"] != b"django-id"
    given = [*HEADERS, (b"x-request-id", b"given-by-a-proxy")]
    assert (await ask(pages, headers=given))[0][b"x-request-id"] == b"given-by-a-proxy"
    await pages.stop()


async def test_many_visitors_at_once_get_their_own_codes(warm: None) -> None:
    pages = WarmPages(Django())
    await ask(pages)
    answers = await asyncio.gather(*(ask(pages, query=f"_s=code{number:04}") for number in range(100)))
    assert [body[3:11] for _headers, body in answers] == [f"code{number:04}" for number in range(100)]
    await pages.stop()


async def test_a_cold_page_is_rendered_once_for_all_who_ask(warm: None) -> None:
    django = Django()
    django.render = lambda: (
        cache.get_languages("cold", lambda: ["en"]),
        cache.get_page("cold", "en", lambda: PAGE),
    )
    pages = WarmPages(django)
    answers = await asyncio.gather(*(ask(pages, "/conf/cold") for _ in range(50)))
    assert django.asked == 1
    assert [body for _headers, body in answers].count("django") == 1
    await pages.stop()


@pytest.mark.parametrize(
    "request_",
    [
        {"method": "HEAD"},
        {"method": "POST"},
        {"path": "/conf/summit/register"},
        {"path": "/conf/other"},
        {"query": "lang=zh-hans"},  # not warm
        {"headers": [*HEADERS, (b"accept-language", b"zh-CN")]},
        {"query": "_s=%00"},
        {"query": "&".join(["a=1"] * 2000)},
        {"scheme": "https"},  # whose headers are not known
        {"headers": []},
        {"headers": [(b"host", b"evil.example")]},
        {"headers": [*HEADERS, (b"host", b"evil.example")]},
        {"headers": [*HEADERS, (b"cookie", b"sessionid=1")]},
        {"headers": [*HEADERS, (b"origin", b"https://elsewhere.example")]},
        {"headers": [*HEADERS, (b"transfer-encoding", b"chunked")]},
    ],
)
async def test_what_may_have_another_answer_goes_to_django(warm: None, request_: dict[str, Any]) -> None:
    django = Django()
    pages = WarmPages(django)
    await ask(pages)
    assert (await ask(pages, **request_))[1] == "django"
    assert django.asked == 2
    assert (await ask(pages))[1] != "django"
    await pages.stop()


@pytest.mark.parametrize(
    "django",
    [Django(status=301), Django(headers={b"set-cookie": b"sessionid=1"})],
    ids=["redirect", "cookie"],
)
async def test_only_the_headers_of_a_public_page_are_kept(warm: None, django: Django) -> None:
    pages = WarmPages(django)
    for _ in range(3):
        assert (await ask(pages))[1] == "django"
    await pages.stop()


async def test_without_redis_django_answers(warm: None, settings: Any) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:9/0"
    pages = WarmPages(Django())
    for _ in range(3):
        assert (await ask(pages))[1] == "django"
    await pages.stop()


@pytest.mark.processes
def test_from_outside_both_ways_look_alike(system: System) -> None:
    system.start("web")
    url = f"{system.url}/conf/test?_s={CODE}"
    with httpx.Client() as visitor:
        for language in ("en", "zh-CN"):
            accept = {"Accept-Language": language}
            first = visitor.get(url, headers=accept)
            warm = visitor.get(url, headers=accept)
            by_django = visitor.get(url, headers={**accept, "Cookie": "a=b"})
            for answer in (first, warm, by_django):
                assert answer.status_code == 200
                assert answer.text == first.text
                assert answer.headers.pop("x-request-id")
                answer.headers.pop("date", None)
            assert CODE in warm.text
            assert sorted(warm.headers.items()) == sorted(by_django.headers.items())
        headers = {"Authorization": f"Token {system.token()}"}
        change = {"name": "Summit of all"}
        assert system.http.patch("/api/conferences/test", json=change, headers=headers).is_success
        assert "Summit of all" in visitor.get(url).text
