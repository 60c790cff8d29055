"""Pages, networks and devices that are not as one would wish."""

from typing import Any

import pytest

from tests.webapi.browser import Visitor, is_empty, problems_of, wait_for
from tests.webapi.pages import EMPTY, PAGE_VIEWS, QUIET, sdk_page
from tests.webapi.server import DIST, Answer, RecordingServer

pytestmark = pytest.mark.processes

BLOCKED_FETCH = "window.calls = 0; window.fetch = async () => { calls++; throw new TypeError('blocked') }"
COUNT_STORED = "Object.keys(localStorage).filter(key => key.includes(':event:')).length"


def flush(page: Any) -> None:
    page.evaluate("meeteasy.flush()")


def test_page_after_page_that_cannot_send_stores_no_more_than_the_cap(
    visitor: Visitor, server: RecordingServer
) -> None:
    """As behind a blocker, for ever. Each page records less than the cap."""
    visitor.context.add_init_script(BLOCKED_FETCH)
    server.pages["/"] = sdk_page(
        {**QUIET, "maxQueued": 50},
        before=PAGE_VIEWS,
        after="meeteasy.trackEvent('registration', { form_id: 'f' + location.search }); pageViews(30)",
    )
    page = visitor.open("/?0")
    for number in range(1, 5):
        page.goto(f"{server.url}/?{number}")
    assert page.evaluate(COUNT_STORED) == 50
    kept = page.evaluate("Object.keys(localStorage).filter(key => key.includes(':event:0')).length")
    assert kept == 5, "registrations stay"
    assert {problem["code"] for problem in problems_of(page)} == {"queue_full"}


def test_a_blocked_endpoint_is_tried_seldom(visitor: Visitor, server: RecordingServer) -> None:
    visitor.context.add_init_script(BLOCKED_FETCH)
    server.pages["/"] = sdk_page({"flushInterval": 0, "flushAt": 1, "maxQueued": 30})
    page = visitor.open("/")
    page.evaluate("""() => {
      const send = () => {
        meeteasy.trackEvent('page_view', { page: '/' })
        meeteasy.trackEvent('registration', { form_id: 'f' })
        void meeteasy.flush()
      }
      setInterval(send, 50)
    }""")
    page.wait_for_timeout(5000)
    assert page.evaluate("calls") < 6
    assert page.evaluate(COUNT_STORED) == 30


def test_a_fetch_that_hangs_is_given_up(visitor: Visitor, server: RecordingServer) -> None:
    visitor.context.add_init_script("""const { fetch } = window
      window.fetch = () => { window.fetch = fetch; return new Promise(() => {}) }""")
    server.pages["/"] = sdk_page({**QUIET, "requestTimeout": 500})
    page = visitor.open("/")
    page.evaluate("meeteasy.trackEvent('registration', { form_id: 'f' })")
    wait_for(lambda: server.events, "the registration")


def test_events_that_another_page_has_claimed_are_waited_for_in_peace(
    visitor: Visitor, server: RecordingServer
) -> None:
    visitor.context.add_init_script("""
      window.locked = 0
      const locks = window.LockManager?.prototype ?? {}
      const { request } = locks
      locks.request = function (...given) { locked++; return request.apply(this, given) }""")
    server.pages["/"] = sdk_page({"flushInterval": 0})
    server.pages["/quiet"] = sdk_page(QUIET)
    page = visitor.open("/quiet")
    page.evaluate("meeteasy.trackEvent('page_view', { page: '/' })")
    page.goto(server.url + "/")  # the first page's beacon has no answer
    page.wait_for_timeout(2000)
    assert page.evaluate("locked") < 5


HOLD_THE_END = """
  const locks = window.LockManager?.prototype ?? {}
  const { request } = locks
  locks.request = function (...given) {
    return request.apply(this, given).then(done => new Promise(resolve => setTimeout(resolve, 500, done)))
  }"""


@pytest.fixture
def ending(visitor: Visitor, server: RecordingServer) -> Any:
    """A page whose flush has sent a page view and has not come to its end."""
    visitor.context.add_init_script(HOLD_THE_END)
    server.pages["/"] = sdk_page(QUIET)
    page = visitor.open("/")
    page.evaluate("meeteasy.trackEvent('page_view', { page: '/a' }); void meeteasy.flush()")
    wait_for(lambda: is_empty(page), "the first answer")
    return page


def test_an_urgent_event_at_the_end_of_a_flush_goes_at_once(ending: Any, server: RecordingServer) -> None:
    ending.evaluate("meeteasy.trackEvent('registration', { form_id: 'f' })")
    wait_for(lambda: server.of_type("registration"), "the registration", seconds=3)


def test_flush_resolves_when_what_waited_was_tried(ending: Any, server: RecordingServer) -> None:
    ending.evaluate("meeteasy.trackEvent('page_view', { page: '/b' }); meeteasy.flush()")
    assert [event["page"] for event in server.events] == ["/a", "/b"]


@pytest.mark.parametrize(
    "answer",
    [
        Answer(204, ""),
        Answer(200, ""),
        Answer(200, "null"),
        Answer(200, '"fine"'),
        Answer(200, "[]"),
        Answer(200, {"success": True}),
        Answer(200, {"accepted": "1"}),
        Answer(300, ""),
        Answer(304, ""),
        Answer(307, "", {"location": "http://127.0.0.1:9/"}),
        Answer(301, "", {"location": "http://127.0.0.1:9/"}),
        Answer(511, "<html>"),
        # The browser asks there with GET; what it is told is not the server's answer.
        *(Answer(status, "", {"location": "/sign-in"}) for status in (301, 302, 303)),
    ],
    ids=lambda answer: f"{answer.status} {answer.body} {answer.headers.get('location', '')}",
)
def test_what_no_server_of_ours_says_loses_nothing(
    visitor: Visitor, server: RecordingServer, answer: Answer
) -> None:
    server.answer = lambda sent: answer if len(server.requests) == 1 else None
    server.pages["/"] = sdk_page(QUIET)
    page = visitor.open("/")
    page.evaluate("meeteasy.trackEvent('registration', { form_id: 'f' })")
    wait_for(lambda: len(server.requests) == 2, "the second attempt")
    assert server.requests[0].ids == server.requests[1].ids
    assert problems_of(page) == []


@pytest.mark.parametrize("locks", [True, False])
@pytest.mark.parametrize(
    "answer",
    [
        Answer(202, {"accepted": 1, "rejected": {}, "warnings": 7}),
        Answer(202, {"accepted": 1, "rejected": [None, 3]}),
        Answer(400, {"error": {"code": 3, "details": {"rejected": 5}}}),
        Answer(400, {"error": "no"}),
        Answer(403, "[]"),
    ],
    ids=lambda answer: f"{answer.status} {answer.body}" if isinstance(answer, Answer) else "",
)
def test_no_answer_makes_flush_fail(
    visitor: Visitor, server: RecordingServer, answer: Answer, locks: bool
) -> None:
    if not locks:
        visitor.context.add_init_script("Object.defineProperty(navigator, 'locks', { value: undefined })")
    server.answer = lambda sent: answer
    server.pages["/"] = sdk_page(QUIET)
    page = visitor.open("/")
    page.evaluate("meeteasy.trackEvent('page_view', { page: '/' }); meeteasy.flush()")
    assert is_empty(page)


DAMAGES = {
    "an empty visitor": "meeteasy:visitor=",
    "a long visitor": "meeteasy:visitor=" + "x" * 100_000,
    "a visitor in JSON": 'meeteasy:visitor={"id": 1}',
    "a session": "meeteasy:session=" + "y" * 100_000 + ",9999999999999",
    "an opened code": "meeteasy:opened:test=<b>,9999999999999 x" + "," * 1000,
    "a pause": "meeteasy:pause=x,y",
    "a pause below nothing": "meeteasy:pause=0,-1000000",
    "a lease": "meeteasy:lease=,,,",
    "a claim": "meeteasy:claim:x=[]",
    "an empty event": "meeteasy:event:=",
    "an event of another kind": "meeteasy:event:2x=[1, 2]",
    "an event that ends early": 'meeteasy:event:0y={"type": "registr',
    "a huge array": "meeteasy:event:1z=[" + "0," * 200_000 + "0]",
    "a queue of another version": 'meeteasy:queue=[{"type": "page_view"}]',
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_damaged_storage_costs_nothing_but_itself(
    visitor: Visitor, server: RecordingServer, damage: str
) -> None:
    key, value = damage.split("=", 1)

    def answer(sent: Any) -> Answer | None:
        try:
            good = all(isinstance(event, dict) for event in sent.events)
        except ValueError:
            return Answer(400, {"error": {"code": "invalid_json", "message": "No JSON."}})
        if len(sent.body) > 100_000:
            return Answer(413, {"error": {"code": "too_large", "message": "Too large."}})
        return None if good else Answer(400, {"error": {"code": "invalid_event", "message": "No event."}})

    server.answer = answer
    server.pages["/elsewhere"] = EMPTY
    server.pages["/"] = sdk_page(QUIET, after="meeteasy.followShares()")
    page = visitor.open("/elsewhere")
    page.evaluate("([key, value]) => localStorage.setItem(key, value)", [key, value])
    page.goto(server.url + "/")
    page.evaluate("meeteasy.trackEvent('registration', { form_id: 'f' })")
    wait_for(
        lambda: [sent for sent in server.requests if sent.status == 202 and b"form_id" in sent.body],
        "the registration",
    )
    wait_for(lambda: is_empty(page), "an empty queue")
    (event,) = [
        event
        for sent in server.requests
        if sent.status == 202
        for event in sent.events
        if event["type"] == "registration"
    ]
    assert len(event["visitor_id"]) == 32
    assert len(event["session_id"]) == 36
    assert "share_code" not in event


@pytest.mark.parametrize("pause", ["x,y", "0,-1000000", "0,x"])
def test_a_damaged_pause_still_grows(visitor: Visitor, server: RecordingServer, pause: str) -> None:
    visitor.context.add_init_script(
        BLOCKED_FETCH + f"; if (location.protocol !== 'about:') localStorage['meeteasy:pause'] ??= '{pause}'"
    )
    server.pages["/"] = sdk_page(QUIET)
    page = visitor.open("/")
    page.evaluate("""async () => {
      for (let i = 0; i < 20; i++) {
        meeteasy.trackEvent('registration', { form_id: 'f' })
        await meeteasy.flush()
      }
    }""")
    assert page.evaluate("calls") < 3


def test_a_clock_that_was_a_day_ahead_does_not_stretch_the_session(
    visitor: Visitor, server: RecordingServer
) -> None:
    server.pages["/"] = sdk_page(QUIET)
    page = visitor.open("/")
    page.evaluate("""() => {
      const now = Date.now()
      for (const minutes of [24 * 60, 0, 1, 45]) {
        Date.now = () => now + minutes * 60_000
        meeteasy.trackEvent('page_view', { page: '/' + minutes })
      }
      void meeteasy.flush()
    }""")
    wait_for(lambda: len(server.events) == 4, "all events")
    session = {event["page"]: event["session_id"] for event in server.events}
    assert session["/0"] == session["/1"]
    assert len(set(session.values())) == 3


def test_two_copies_of_the_script_count_once(visitor: Visitor, server: RecordingServer) -> None:
    script = '<script src="/sdk/meeteasy.js" data-conference="test"></script>'
    server.pages["/"] = f"<!doctype html>{script}{script}"
    page = visitor.open("/")
    page.evaluate("history.pushState({}, '', '/agenda')")
    flush(page)
    assert [event["page"] for event in server.of_type("page_view")] == ["/", "/agenda"]


def test_a_script_that_comes_twice_leaves_the_first_in_charge(
    visitor: Visitor, server: RecordingServer
) -> None:
    server.pages["/"] = sdk_page(QUIET, body='<script src="/sdk/meeteasy.js"></script>')
    page = visitor.open("/")
    page.evaluate("meeteasy.trackEvent('registration', { form_id: 'f' })")
    wait_for(lambda: server.events, "the registration")


def test_the_script_and_the_module_on_one_page_count_once(visitor: Visitor, server: RecordingServer) -> None:
    server.pages["/"] = """<!doctype html><script src="/sdk/meeteasy.js" data-conference="test"></script>
      <script type="module">
        import * as sdk from '/sdk/analytics.js'
        sdk.init({ conferenceId: 'test' })
        sdk.followShares()
        sdk.trackPageViews()
        window.ready = true
      </script>"""
    page = visitor.open("/?_s=A1b2C3d4E5f6G7h8")
    page.wait_for_function("window.ready")
    page.evaluate("history.pushState({}, '', '/agenda')")
    flush(page)
    assert [event["page"] for event in server.of_type("page_view")] == ["/", "/agenda"]
    assert [event["type"] for event in server.events if "page" not in event] == ["share_open", "share"]


def test_scripts_of_two_conferences_count_for_each(visitor: Visitor, server: RecordingServer) -> None:
    server.pages["/"] = """<!doctype html><script src="/sdk/meeteasy.js" data-conference="a"></script>
      <script src="/sdk/meeteasy.js" data-conference="b"></script>"""
    page = visitor.open("/")
    flush(page)
    assert sorted(event["conference_id"] for event in server.of_type("page_view")) == ["a", "b"]


def test_the_own_code_is_not_opened_in_the_next_conference(visitor: Visitor, server: RecordingServer) -> None:
    """A single-page application with several conferences."""
    server.pages["/"] = sdk_page({**QUIET, "conferenceId": "a"}, after="meeteasy.followShares()")
    page = visitor.open("/?_s=A1b2C3d4E5f6G7h8")
    page.evaluate("""() => {
      history.pushState({}, '', '/b')
      meeteasy.init({ conferenceId: 'b' })
      history.pushState({}, '', '/b/agenda')
      history.pushState({}, '', '/b/agenda?x' + location.search.replace('?', '&'))
    }""")
    flush(page)
    assert [(event["type"], event["conference_id"]) for event in server.events] == [
        ("share_open", "a"),
        ("share", "a"),
    ]
    assert "_s=" not in page.evaluate("location.href"), "nothing was opened in the second conference"


def test_the_script_may_be_inline(visitor: Visitor, server: RecordingServer) -> None:
    script = (DIST / "meeteasy.js").read_text()
    server.pages["/"] = f'<!doctype html><script data-conference="test">{script}</script>'
    page = visitor.open("/")
    flush(page)
    assert [event["type"] for event in server.events] == ["page_view"]


def test_a_wrong_call_before_the_script_costs_no_other(visitor: Visitor, server: RecordingServer) -> None:
    stub = (DIST / "stub.js").read_text()
    server.pages["/"] = f"""<!doctype html><script>{stub}</script><script>
      meeteasy.init(null)
      meeteasy.init({{ conferenceId: 'test' }})
      meeteasy.trackPageViews(null)
      meeteasy.trackEvent('registration', {{ form_id: 'f' }})
    </script><script src="/sdk/meeteasy.js"></script>"""
    page = visitor.open("/")
    page.wait_for_timeout(300)
    page.evaluate("meeteasy.trackEvent('ai_chat', { message_length: 1 }); meeteasy.flush()")
    wait_for(lambda: len(server.events) == 2 and server.events, "both events")
    first, second = server.events
    assert (first["type"], second["type"]) == ("registration", "ai_chat")
    assert second["ts"] - first["ts"] >= 200


@pytest.mark.parametrize(
    "beacon",
    ["() => { throw new Error('blocked') }", "() => false", "undefined"],
    ids=["throws", "refuses", "none"],
)
def test_a_beacon_that_fails_loses_nothing(visitor: Visitor, server: RecordingServer, beacon: str) -> None:
    visitor.context.add_init_script(f"navigator.sendBeacon = {beacon}")
    server.pages["/"] = sdk_page(QUIET)
    page = visitor.open("/")
    page.evaluate("meeteasy.trackEvent('page_view', { page: '/' })")
    page.goto(server.url + "/")
    flush(page)
    wait_for(lambda: server.events, "the event")


def test_registrations_wait_longest_for_consent(visitor: Visitor, server: RecordingServer) -> None:
    server.pages["/"] = sdk_page(QUIET, before="let decide").replace(
        "init({ ...", "init({ consent: () => new Promise(resolve => decide = resolve), ..."
    )
    page = visitor.open("/")
    page.evaluate("""() => {
      const fields = { form_id: 'kept' }
      meeteasy.trackEvent('registration', fields)
      fields.form_id = 'changed'
      for (let i = 0; i < 1500; i++) meeteasy.trackEvent('page_view', { page: '/' + i })
      decide(true)
    }""")
    page.wait_for_timeout(100)
    flush(page)
    assert [event["form_id"] for event in server.of_type("registration")] == ["kept"]


def test_after_reset_a_link_of_a_cookieless_page_is_another(
    visitor: Visitor, server: RecordingServer
) -> None:
    server.pages["/"] = sdk_page({**QUIET, "cookieless": True})
    page = visitor.open("/")
    one, other = page.evaluate("[meeteasy.createShareLink(), (meeteasy.reset(), meeteasy.createShareLink())]")
    assert one != other


def test_the_next_person_opens_no_address_of_the_one_before(
    visitor: Visitor, server: RecordingServer
) -> None:
    server.pages["/"] = sdk_page(QUIET, after="meeteasy.followShares()")
    page = visitor.open("/?_s=A1b2C3d4E5f6G7h8")
    page.evaluate("history.pushState({}, '', '/agenda'); meeteasy.reset()")
    page.evaluate("history.back()")
    page.wait_for_timeout(300)
    flush(page)
    assert len(server.of_type("share_open")) == 1


SANDBOXED = """<!doctype html><iframe sandbox="allow-scripts" src="/frame"></iframe>"""


def test_a_sandboxed_frame_counts(visitor: Visitor, server: RecordingServer) -> None:
    server.pages["/frame"] = sdk_page(QUIET, after="meeteasy.followShares(); meeteasy.trackPageViews()")
    server.pages["/"] = SANDBOXED
    page = visitor.open("/")
    frame = page.frames[1]
    frame.wait_for_function("window.meeteasy")
    frame.evaluate("meeteasy.flush()")
    wait_for(lambda: server.events, "the page view")
    assert [event["type"] for event in server.events] == ["page_view"]
    assert "visitor_id" not in server.events[0]


def test_a_policy_that_forbids_the_endpoint_throws_nothing(visitor: Visitor, server: RecordingServer) -> None:
    server.page_headers = {"content-security-policy": "connect-src 'none'"}
    server.pages["/"] = sdk_page(QUIET)
    page = visitor.open("/")
    page.evaluate("meeteasy.trackEvent('registration', { form_id: 'f' }); meeteasy.flush()")
    page.wait_for_timeout(300)
    assert page.evaluate(COUNT_STORED) == 1
    page.reload()
    server.page_headers = {}
    page.goto(server.url + "/")
    wait_for(lambda: server.events, "the registration, once it may", seconds=45)


def test_a_service_worker_may_stand_between(visitor: Visitor, server: RecordingServer) -> None:
    server.pages["/worker.js"] = """
      let answers = [() => new Response('<html>offline'), () => Response.error(), () => Promise.reject(1)]
      addEventListener('activate', event => event.waitUntil(clients.claim()))
      addEventListener('fetch', event => {
        if (event.request.method !== 'POST') return
        const answer = answers.shift()
        event.respondWith(answer ? answer() : fetch(event.request))
      })"""
    server.pages["/"] = sdk_page(QUIET)
    page = visitor.open("/")
    page.evaluate("""async () => {
      await navigator.serviceWorker.register('/worker.js')
      if (!navigator.serviceWorker.controller)
        await new Promise(resolve => navigator.serviceWorker.addEventListener('controllerchange', resolve))
    }""")
    page.evaluate("meeteasy.trackEvent('registration', { form_id: 'f' })")
    wait_for(lambda: server.events, "the registration", seconds=30)
    wait_for(lambda: is_empty(page), "an empty queue")
    assert len(server.events) == 1


OLD = """for (const [of, name] of [[Navigator.prototype, 'locks'], [Navigator.prototype, 'sendBeacon'],
  [Crypto.prototype, 'randomUUID'], [Crypto.prototype, 'subtle'], [window, 'BroadcastChannel'],
  [Request.prototype, 'keepalive'], [AbortSignal, 'timeout'], [window, 'structuredClone']])
  try { delete of[name] } catch {}"""


def test_a_browser_without_the_new_things_counts_and_shares(
    visitor: Visitor, server: RecordingServer
) -> None:
    visitor.context.add_init_script(OLD)
    server.pages["/"] = sdk_page(QUIET, after="meeteasy.followShares(); meeteasy.trackPageViews()")
    page = visitor.open("/?_s=A1b2C3d4E5f6G7h8")
    assert page.evaluate("[navigator.locks, crypto.randomUUID, window.BroadcastChannel].join()") == ",,"
    page.evaluate("meeteasy.createShareLink(); meeteasy.flush()")
    wait_for(lambda: len(server.events) == 4, "all events")
    assert is_empty(page)


def test_storage_that_fills_between_two_writes(visitor: Visitor, server: RecordingServer) -> None:
    visitor.context.add_init_script("""
      window.left = Infinity
      const set = Storage.prototype.setItem
      Storage.prototype.setItem = function (key, value) {
        if (left-- <= 0) throw new DOMException('full', 'QuotaExceededError')
        return set.call(this, key, value)
      }""")
    server.pages["/"] = sdk_page(QUIET)
    page = visitor.open("/")
    for left in range(8):
        page.evaluate(
            """left => {
              window.left = left
              meeteasy.trackEvent('page_view', { page: '/' + left })
              meeteasy.trackEvent('registration', { form_id: '' + left })
              return meeteasy.flush()
            }""",
            left,
        )
    wait_for(lambda: len(server.events) >= 16, "all events")
    assert len({event["event_id"] for event in server.events}) == len(server.events) == 16


def test_resetting_during_a_request_changes_no_event(visitor: Visitor, server: RecordingServer) -> None:
    server.answer = lambda sent: Answer(202, {"accepted": 1, "rejected": []}, delay=0.5)
    server.pages["/"] = sdk_page(QUIET)
    page = visitor.open("/")
    page.evaluate("meeteasy.trackEvent('registration', { form_id: 'a' })")
    wait_for(lambda: server.requests, "the request")
    page.evaluate("meeteasy.reset(); meeteasy.trackEvent('registration', { form_id: 'b' })")
    wait_for(lambda: len(server.events) == 2, "both")
    assert len({event["visitor_id"] for event in server.events}) == 2
    wait_for(lambda: is_empty(page), "an empty queue")
    assert len(server.requests) == 2


def test_starting_again_while_consent_is_asked_for(visitor: Visitor, server: RecordingServer) -> None:
    """Strict mode: everything twice, at once."""
    server.pages["/"] = sdk_page(QUIET)
    page = visitor.open("/")
    page.evaluate("""async () => {
      for (let i = 0; i < 2; i++) {
        meeteasy.init({ conferenceId: 'test', consent: async () => true })
        meeteasy.followShares()
        meeteasy.trackPageViews()
      }
      await new Promise(resolve => setTimeout(resolve, 50))
      await meeteasy.flush()
    }""")
    assert [event["type"] for event in server.events] == ["page_view"]
