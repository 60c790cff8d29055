"""Consent, Global Privacy Control, opting out, and doing without storage by choice."""

import pytest

from tests.webapi.browser import Visitor, traces_of, wait_for
from tests.webapi.pages import EMPTY, QUIET, sdk_page
from tests.webapi.server import Answer, RecordingServer

pytestmark = pytest.mark.processes

OF_A = "A1b2C3d4E5f6G7h8"
GPC = "Object.defineProperty(Navigator.prototype, 'globalPrivacyControl', { get: () => true })"
EVERYTHING = """meeteasy.followShares(); meeteasy.trackPageViews()
    meeteasy.trackEvent('registration', { form_id: 'f' })"""
ASKING = {"before": "let decide; const decision = new Promise(resolve => decide = resolve)"}


def asking_page(after: str) -> str:
    return sdk_page(QUIET, **ASKING, after=f"meeteasy.init({{ consent: () => decision }}); {after}").replace(
        "meeteasy.init({ ...", "meeteasy.init({ consent: () => decision, ..."
    )


def test_global_privacy_control_means_nothing_stored_or_sent(
    visitor: Visitor, server: RecordingServer
) -> None:
    visitor.context.add_init_script(GPC)
    server.pages["/"] = sdk_page({"flushInterval": 50}, after=EVERYTHING)
    server.pages["/elsewhere"] = EMPTY
    page = visitor.open(f"/?_s={OF_A}")
    assert page.evaluate("meeteasy.createShareLink()") == f"{server.url}/"
    page.wait_for_timeout(500)
    traces = traces_of(page, visitor)
    page.goto(server.url + "/elsewhere")
    page.wait_for_timeout(300)

    assert traces == []
    assert server.requests == []


def test_a_site_may_decide_otherwise(visitor: Visitor, server: RecordingServer) -> None:
    """The control."""
    visitor.context.add_init_script(GPC)
    server.pages["/"] = sdk_page({"flushInterval": 50, "respectGpc": False}, after=EVERYTHING)
    visitor.open(f"/?_s={OF_A}")
    wait_for(lambda: len(server.events) == 4, "open, own code, page view, registration")


def test_only_consent_lets_events_be_stored_and_sent(visitor: Visitor, server: RecordingServer) -> None:
    server.pages["/"] = asking_page(EVERYTHING)
    page = visitor.open(f"/?_s={OF_A}")
    page.evaluate("void meeteasy.flush()")
    page.evaluate("dispatchEvent(new PageTransitionEvent('pagehide'))")
    page.wait_for_timeout(500)
    assert traces_of(page, visitor) == []
    assert server.requests == []
    assert OF_A in page.evaluate("location.search")

    page.evaluate("decide(true)")
    page.wait_for_timeout(100)
    page.evaluate("void meeteasy.flush()")
    wait_for(lambda: len(server.events) == 4, "what was recorded meanwhile")
    assert {event["type"] for event in server.events} == {"page_view", "registration", "share_open", "share"}
    assert OF_A not in page.evaluate("location.search")


def test_without_consent_nothing_is_ever_stored_or_sent(visitor: Visitor, server: RecordingServer) -> None:
    server.pages["/"] = asking_page(EVERYTHING)
    server.pages["/elsewhere"] = EMPTY
    page = visitor.open(f"/?_s={OF_A}")
    page.evaluate("decide(false)")
    page.wait_for_timeout(100)
    page.evaluate("meeteasy.trackEvent('page_view', { page: '/later' }); void meeteasy.flush()")
    page.wait_for_timeout(300)
    traces = traces_of(page, visitor)
    page.goto(server.url + "/elsewhere")
    page.wait_for_timeout(300)
    assert traces == []
    assert server.requests == []


def test_consent_may_be_withdrawn_by_starting_again(visitor: Visitor, server: RecordingServer) -> None:
    server.answer = lambda sent: Answer(202, {"accepted": 1, "rejected": []}, delay=0.5)
    server.pages["/"] = sdk_page(QUIET, after="meeteasy.init({ consent: () => true })")
    page = visitor.open("/")
    page.wait_for_timeout(100)
    page.evaluate("meeteasy.trackEvent('registration', { form_id: 'f' })")
    wait_for(lambda: server.requests, "the request under way")
    page.evaluate("meeteasy.trackEvent('page_view', { page: '/' }); meeteasy.init({ flushAt: 3 })")
    page.wait_for_timeout(100)
    assert page.evaluate("!!meeteasy.visitorId()"), "other options ask for nothing"
    page.evaluate("meeteasy.init({ consent: async () => false }); meeteasy.init({ flushAt: 4 })")
    page.wait_for_timeout(1000)
    page.evaluate("meeteasy.trackEvent('page_view', { page: '/' }); meeteasy.flush()")
    assert traces_of(page, visitor) == []
    assert len(server.events) == 1


def test_opting_out_empties_all_tabs(visitor: Visitor, server: RecordingServer) -> None:
    server.pages["/"] = sdk_page(QUIET, after="meeteasy.trackPageViews()")
    server.pages["/elsewhere"] = EMPTY
    tabs = [visitor.open("/") for _ in range(3)]
    # What a tab has in memory only is emptied as well.
    tabs[1].evaluate("""() => {
      Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError') }
      meeteasy.trackEvent('page_view', { page: '/memory' })
    }""")
    before = len(server.requests)
    assert tabs[0].evaluate("Object.keys(localStorage).some(key => key.includes(':event:'))"), "the control"
    tabs[2].evaluate("meeteasy.optOut()")
    tabs[0].wait_for_timeout(300)
    for tab in tabs:
        tab.evaluate("meeteasy.trackEvent('page_view', { page: '/after' }); void meeteasy.flush()")
    tabs[0].wait_for_timeout(300)

    assert [traces_of(tab, visitor) for tab in tabs] == [["meeteasy:optout"]] * 3
    for tab in tabs:
        tab.goto(server.url + "/elsewhere")
    later = visitor.open("/")  # it lasts
    later.evaluate("void meeteasy.flush()")
    later.wait_for_timeout(300)
    assert len(server.requests) == before

    later.evaluate(
        "meeteasy.optIn(); meeteasy.trackEvent('page_view', { page: '/again' }); void meeteasy.flush()"
    )
    wait_for(
        lambda: [event["page"] for event in server.events][-1:] == ["/again"], "the event after opting in"
    )


def test_an_answer_after_opting_out_brings_nothing_back(visitor: Visitor, server: RecordingServer) -> None:
    server.answer = lambda sent: Answer(503, {"error": {"code": "busy"}}, delay=1)
    server.pages["/"] = sdk_page({"flushInterval": 100})
    page = visitor.open("/")
    page.evaluate("meeteasy.trackEvent('registration', { form_id: 'f' })")
    wait_for(lambda: server.requests, "the request")
    page.evaluate("meeteasy.optOut()")
    page.wait_for_timeout(3000)
    assert traces_of(page, visitor) == ["meeteasy:optout"]
    assert len(server.requests) == 1


@pytest.mark.parametrize("cookieless", [False, True])
def test_no_cookie_is_ever_set_or_sent(visitor: Visitor, server: RecordingServer, cookieless: bool) -> None:
    server.pages["/"] = sdk_page({**QUIET, "cookieless": cookieless}, after=EVERYTHING)
    page = visitor.open(f"/?_s={OF_A}")
    page.evaluate("document.cookie = 'of_the_page=1'; void meeteasy.flush()")
    wait_for(lambda: len(server.events) >= 3, "the events")
    assert [cookie["name"] for cookie in visitor.context.cookies()] == ["of_the_page"]
    assert all("cookie" not in sent.headers for sent in server.requests)


def test_a_site_that_turns_cookieless_leaves_nothing_of_before(
    visitor: Visitor, server: RecordingServer
) -> None:
    """What waited is sent by the next page, out of its memory."""
    server.answer = lambda sent: Answer(503, {"error": {"code": "busy"}})
    server.pages["/"] = sdk_page(QUIET, after=EVERYTHING)
    server.pages["/cookieless"] = sdk_page({**QUIET, "cookieless": True}, after="meeteasy.trackPageViews()")
    page = visitor.open(f"/?_s={OF_A}")
    page.evaluate("meeteasy.flush()")
    assert {"meeteasy:visitor", "meeteasy:pause", "meeteasy:opened:test"} <= set(traces_of(page, visitor))
    recorded = server.requests.pop().ids

    server.answer = lambda sent: None
    page.goto(server.url + "/cookieless")
    assert traces_of(page, visitor) == []
    wait_for(lambda: len(server.events) == len(recorded) + 1, "what had waited, and a page view")
    assert {event["event_id"] for event in server.events} > set(recorded)
    assert [event["url"] for event in server.events if "visitor_id" not in event] == [page.url]


def test_a_page_that_turns_cookieless_sends_what_it_had_stored(
    visitor: Visitor, server: RecordingServer
) -> None:
    server.pages["/"] = sdk_page(QUIET, after=EVERYTHING)
    page = visitor.open(f"/?_s={OF_A}")
    page.evaluate("""() => {
      meeteasy.init({ cookieless: true })
      meeteasy.trackEvent('registration', { form_id: 'g' })
    }""")
    page.wait_for_timeout(100)
    assert traces_of(page, visitor) == []
    page.evaluate("meeteasy.flush()")
    first, second = server.of_type("registration")
    assert "visitor_id" in first
    assert "visitor_id" not in second
    assert second["share_code"] == OF_A


def test_events_can_be_changed_or_dropped_before_storage(visitor: Visitor, server: RecordingServer) -> None:
    server.pages["/"] = sdk_page(QUIET)
    page = visitor.open("/")
    page.evaluate("""() => {
      meeteasy.init({ beforeSend: event => event.page === '/secret' ? null : { ...event, title: 'T' } })
      for (const page of ['/a', '/secret']) meeteasy.trackEvent('page_view', { page })
      void meeteasy.flush()
    }""")
    wait_for(lambda: server.requests, "the event")
    assert [(event["page"], event["title"]) for event in server.events] == [("/a", "T")]


def test_an_error_hook_may_record_events(visitor: Visitor, server: RecordingServer) -> None:
    server.pages["/"] = sdk_page({**QUIET, "maxQueued": 3})
    page = visitor.open("/")
    page.evaluate("""() => {
      let reports = 0
      meeteasy.init({ onError: () => { reports++; meeteasy.trackEvent('page_view', { page: '/report' }) } })
      for (let i = 0; i < 5; i++) meeteasy.trackEvent('page_view', { page: '/' + i })
      void meeteasy.flush()
    }""")
    wait_for(lambda: server.events, "the events that fit")
    assert [event["page"] for event in server.events] == ["/report", "/4", "/report"]


def test_mistakes_of_the_page_are_reported_and_not_thrown(visitor: Visitor, server: RecordingServer) -> None:
    server.pages["/"] = sdk_page(QUIET)
    page = visitor.open("/")
    page.evaluate("""() => {
      const ring = {}; ring.ring = ring
      meeteasy.trackEvent('page_view', { page: '/', properties: ring })
      meeteasy.trackEvent('page_view', { page: '/', properties: { big: 1n } })
      meeteasy.trackEvent('page_view', null)
      meeteasy.init({ conferenceId: '' })
      meeteasy.trackEvent('page_view', { page: '/' })
      meeteasy.init({ onError: () => { throw new Error('in the hook') } })
      meeteasy.trackEvent('page_view', { page: '/' })
    }""")
    codes = page.evaluate("problems.map(problem => problem.code)")
    assert codes[:2] == ["invalid_event", "invalid_event"]
    assert codes[-1] == "missing_field"
