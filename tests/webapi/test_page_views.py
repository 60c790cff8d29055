"""Page views: back/forward cache, single-page applications, pages that are only prepared."""

from typing import Any

import pytest

from tests.webapi.browser import Visitor
from tests.webapi.pages import EMPTY, QUIET, sdk_page
from tests.webapi.server import DIST, RecordingServer

pytestmark = pytest.mark.processes

TRACKED = "meeteasy.trackPageViews()"


def pages_of(server: RecordingServer) -> list[str]:
    return [event["page"] for event in server.of_type("page_view")]


def sent_now(page: Any, server: RecordingServer) -> list[str]:
    page.evaluate("meeteasy.flush()")
    return pages_of(server)


def go_back(page: Any) -> None:
    """By the page itself: Playwright's own way back waits for a load that a cached page never has."""
    here = page.url
    page.evaluate("void setTimeout(() => history.back(), 50)")
    for _ in range(50):
        page.wait_for_timeout(200)
        if page.url != here:
            break


def test_a_page_restored_from_the_cache_is_one_view(visitor: Visitor, server: RecordingServer) -> None:
    server.pages["/"] = sdk_page(
        QUIET,
        before="const shown = []; addEventListener('pageshow', event => shown.push(event.persisted))",
        after=TRACKED,
    )
    server.pages["/elsewhere"] = EMPTY
    page = visitor.open("/")
    assert sent_now(page, server) == ["/"]

    for count in (2, 3):
        page.goto(server.url + "/elsewhere")
        go_back(page)
        assert page.evaluate("shown") == [False] + [True] * (count - 1), "the page did come out of the cache"
        assert sent_now(page, server) == ["/"] * count


def test_a_page_is_cached_with_a_request_under_way(visitor: Visitor, server: RecordingServer) -> None:
    server.pages["/"] = sdk_page(
        QUIET, before="let wasRestored; addEventListener('pageshow', event => wasRestored = event.persisted)"
    )
    server.pages["/elsewhere"] = EMPTY
    page = visitor.open("/")
    page.evaluate("meeteasy.trackEvent('page_view', { page: '/a' })")  # goes by beacon
    page.goto(server.url + "/elsewhere")
    go_back(page)

    assert page.evaluate("wasRestored") is True
    assert pages_of(server) == ["/a"]


def test_no_listener_keeps_the_page_out_of_the_cache(visitor: Visitor, server: RecordingServer) -> None:
    visitor.context.add_init_script("""
      window.heard = []
      const add = EventTarget.prototype.addEventListener
      EventTarget.prototype.addEventListener = function (type, ...rest) {
        heard.push(type); return add.call(this, type, ...rest)
      }""")
    server.pages["/"] = sdk_page(QUIET, after=f"{TRACKED}; meeteasy.followShares()")
    heard = visitor.open("/").evaluate("heard")

    assert "pagehide" in heard, "the control"
    assert not {"unload", "beforeunload"} & set(heard)
    for file in DIST.glob("*.js"):
        assert "unload" not in file.read_text()


def test_a_single_page_application_views_each_address(visitor: Visitor, server: RecordingServer) -> None:
    server.pages["/"] = sdk_page(QUIET, after=TRACKED)
    page = visitor.open("/")
    for step in (
        "history.pushState({}, '', '/agenda')",
        "history.pushState({}, '', '/agenda')",  # the same address
        "history.replaceState({}, '', '/agenda')",
        "history.replaceState({}, '', '/agenda?day=2')",
        "location.hash = '#speakers'",  # a place in the page
        "location.hash = '#/speakers/ada'",
        "history.pushState({}, '', '/#!/map?zoom=3')",
    ):
        page.evaluate(step)
        page.wait_for_timeout(100)
    assert sent_now(page, server) == ["/", "/agenda", "/agenda", "/agenda#/speakers/ada", "/#!/map"]

    page.evaluate("history.back()")
    page.wait_for_timeout(200)
    page.evaluate("history.go(-3)")
    page.wait_for_timeout(200)
    assert sent_now(page, server)[5:] == ["/agenda#/speakers/ada", "/agenda"]


def test_every_hash_is_a_page_where_asked_for(visitor: Visitor, server: RecordingServer) -> None:
    server.pages["/"] = sdk_page(QUIET, after="meeteasy.trackPageViews({ anyHash: true })")
    page = visitor.open("/")
    page.evaluate("location.hash = '#speakers'")
    page.wait_for_timeout(100)
    assert sent_now(page, server) == ["/", "/#speakers"]


def test_our_change_of_the_address_is_no_view(visitor: Visitor, server: RecordingServer) -> None:
    server.pages["/"] = sdk_page(QUIET, after=f"{TRACKED}; meeteasy.followShares()")
    page = visitor.open("/?_s=A1b2C3d4E5f6G7h8&tab=1")
    own = page.evaluate("location.search")
    assert own != "?_s=A1b2C3d4E5f6G7h8&tab=1", "it was changed"
    assert sent_now(page, server) == ["/"]
    page.evaluate("history.pushState({}, '', '/agenda')")  # the own code is put there again
    assert "_s=" in page.evaluate("location.search")
    assert sent_now(page, server) == ["/", "/agenda"]
    assert all("_s=" not in event["url"] for event in server.of_type("page_view"))


def test_page_views_say_where_they_came_from(visitor: Visitor, server: RecordingServer) -> None:
    server.pages["/"] = EMPTY + f"<a href='{server.url}/first?utm_source=mail'>on</a>"
    server.pages["/first"] = sdk_page(QUIET, after=TRACKED)
    page = visitor.open("/")
    page.click("a")
    page.wait_for_url("**/first*")
    page.evaluate("history.pushState({}, '', '/second')")
    page.evaluate("meeteasy.flush()")

    first, second = server.of_type("page_view")
    assert (first["referrer"], first["url"], first["title"]) == (
        f"{server.url}/",
        f"{server.url}/first?utm_source=mail",
        "Agenda",
    )
    assert second["referrer"] == f"{server.url}/first?utm_source=mail"


def test_a_prepared_page_counts_once_it_is_shown(visitor: Visitor, server: RecordingServer) -> None:
    visitor.context.add_init_script("Object.defineProperty(document, 'prerendering', { value: true })")
    server.pages["/"] = sdk_page(QUIET, after=f"{TRACKED}; meeteasy.followShares()")
    page = visitor.open("/?_s=A1b2C3d4E5f6G7h8")
    assert sent_now(page, server) == server.events == []
    page.evaluate("document.dispatchEvent(new Event('prerenderingchange'))")
    assert sent_now(page, server) == ["/"]
    assert len(server.of_type("share_open")) == 1


def test_starting_twice_counts_once(visitor: Visitor, server: RecordingServer) -> None:
    """As frameworks do that mount everything twice while developing."""
    server.pages["/"] = sdk_page(
        QUIET, after=f"meeteasy.init({{ conferenceId: 'test' }}); {TRACKED}; {TRACKED}"
    )
    page = visitor.open("/")
    page.evaluate("history.pushState({}, '', '/agenda')")
    assert sent_now(page, server) == ["/", "/agenda"]
