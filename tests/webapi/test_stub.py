"""The script comes late, or never: the inline stub keeps the calls."""

import threading
from typing import Any

import pytest

from tests.webapi.browser import Visitor, wait_for
from tests.webapi.pages import EMPTY
from tests.webapi.server import DIST, RecordingServer

pytestmark = pytest.mark.processes

CALLS = """
  meeteasy.init({ conferenceId: 'test', flushInterval: 1000000 })
  meeteasy.followShares()
  meeteasy.trackPageViews()
  meeteasy.trackEvent('registration', { form_id: 'main' })
"""


def stub_page(calls: str = CALLS) -> str:
    stub = (DIST / "stub.js").read_text()
    return f"""<!doctype html><meta charset="utf-8"><title>Agenda</title>
    <script>{stub}</script><script async src="/sdk/meeteasy.js"></script><script>{calls}</script>"""


@pytest.fixture
def late(server: RecordingServer) -> threading.Event:
    """The script is on its way until this is set."""
    server.held_back["/sdk/meeteasy.js"] = threading.Event()
    server.pages["/"] = stub_page()
    server.pages["/elsewhere"] = EMPTY
    return server.held_back["/sdk/meeteasy.js"]


def open_without_waiting(visitor: Visitor, path: str = "/") -> Any:
    page = visitor.context.new_page()
    page.goto(visitor.server.url + path, wait_until="commit")
    page.wait_for_function("window.meeteasy")
    page.wait_for_timeout(300)
    return page


def test_calls_before_a_late_script_keep_their_time(
    visitor: Visitor, server: RecordingServer, late: threading.Event
) -> None:
    page = open_without_waiting(visitor)
    called = page.evaluate("meeteasy.q[3][2]")
    page.wait_for_timeout(1000)
    late.set()

    wait_for(lambda: len(server.events) == 2, "both events")
    registration, page_view = server.events
    assert (registration["type"], registration["ts"]) == ("registration", called)
    assert page_view["page"] == "/"
    assert 0 <= called - page_view["ts"] < 100
    assert registration["visitor_id"] == page_view["visitor_id"]


def test_calls_are_sent_without_the_script_at_exit(visitor: Visitor, server: RecordingServer) -> None:
    server.blocked.add("/sdk/meeteasy.js")
    server.pages["/"] = stub_page()
    server.pages["/elsewhere"] = EMPTY
    page = open_without_waiting(visitor)
    assert server.requests == []
    page.goto(server.url + "/elsewhere")

    wait_for(lambda: len(server.events) == 2, "both events")
    assert [event["type"] for event in server.events] == ["page_view", "registration"]
    assert all(event["conference_id"] == "test" for event in server.events)
    assert len(server.requests) == 1


def test_the_script_sends_nothing_that_the_stub_sent(
    visitor: Visitor, server: RecordingServer, late: threading.Event
) -> None:
    page = open_without_waiting(visitor)
    page.evaluate("dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }))")
    wait_for(lambda: len(server.events) == 2, "both events")
    late.set()
    page.wait_for_function("!meeteasy.q")
    page.evaluate("meeteasy.trackEvent('ai_chat', { message_length: 3 }); void meeteasy.flush()")

    wait_for(lambda: len(server.events) == 3, "the event after")
    assert server.events[2]["type"] == "ai_chat"


@pytest.mark.parametrize(
    ("given", "script"),
    [
        ({}, "Object.defineProperty(Navigator.prototype, 'globalPrivacyControl', { get: () => true })"),
        ({}, "localStorage.setItem('meeteasy:optout', '1')"),
        ({"consent": True}, ""),
        ({"then": "meeteasy.init({ flushAt: 5 })", "consent": True}, ""),
        ({"then": "meeteasy.optOut()"}, ""),
    ],
    ids=["Global Privacy Control", "opted out", "no consent yet", "two calls of init", "opting out now"],
)
def test_the_stub_respects_those_who_opted_out(
    visitor: Visitor, server: RecordingServer, given: dict[str, Any], script: str
) -> None:
    if script:
        visitor.context.add_init_script(f"if (location.protocol !== 'about:') {script}")
    server.blocked.add("/sdk/meeteasy.js")
    consent = "consent: () => false, " if "consent" in given else ""
    server.pages["/"] = stub_page(CALLS.replace("init({ ", "init({ " + consent) + given.get("then", ""))
    server.pages["/elsewhere"] = EMPTY
    page = open_without_waiting(visitor)
    page.goto(server.url + "/elsewhere")
    page.wait_for_timeout(500)
    assert server.requests == []


def test_an_opt_out_before_the_script_lasts(visitor: Visitor, server: RecordingServer) -> None:
    server.blocked.add("/sdk/meeteasy.js")
    server.pages["/"] = stub_page(CALLS + "meeteasy.optOut()")
    server.pages["/elsewhere"] = EMPTY
    page = open_without_waiting(visitor)
    page.goto(server.url + "/elsewhere")
    assert page.evaluate("Object.keys(localStorage)") == ["meeteasy:optout"]


def test_a_form_is_sent_without_the_script(visitor: Visitor, server: RecordingServer) -> None:
    server.blocked.add("/sdk/meeteasy.js")
    server.pages["/"] = stub_page()
    answers = open_without_waiting(visitor).evaluate("""async () => [
      meeteasy.registrationFields(), meeteasy.createShareLink({ channel: 'mail' }),
      meeteasy.createShareLink({ target: '/agenda' }), await meeteasy.share(), await meeteasy.flush(),
      meeteasy.visitorId() ?? null, meeteasy.fillForm(document.createElement('form')) ?? null
    ]""")
    assert answers == [{}, f"{server.url}/", "/agenda", False, False, None, None]


def test_wechat_may_be_prepared_before_the_script(
    visitor: Visitor, server: RecordingServer, late: threading.Event
) -> None:
    page = open_without_waiting(visitor)
    page.evaluate("""() => {
      window.told = []
      const tell = data => told.push(data.link)
      const wx = { ready: act => act(), updateAppMessageShareData: tell, updateTimelineShareData: tell }
      meeteasy.prepareWeChat(wx, { title: 'Summit' })
    }""")
    late.set()
    page.wait_for_function("told.length === 2")
    assert all("_s=" in link for link in page.evaluate("told"))
