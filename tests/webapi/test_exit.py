"""What happens to events when the visitor leaves."""

from collections import Counter

import pytest

from tests.support.system import System
from tests.webapi.browser import Visitor, day_figures, wait_for
from tests.webapi.pages import EMPTY, PAGE_VIEWS, QUIET, REGISTRATIONS, sdk_page
from tests.webapi.server import Answer, RecordingServer

pytestmark = pytest.mark.processes

KIB = 1024
# So that what a beacon carried is sent once more after three seconds.
SHORT = {**QUIET, "requestTimeout": 2000}


def test_the_browser_refuses_more_than_64_kib_in_flight(visitor: Visitor, server: RecordingServer) -> None:
    """The control: why the SDK counts the sum and not each body."""
    server.pages["/"] = EMPTY
    server.answer = lambda sent: Answer(delay=1)
    page = visitor.open("/")

    went = page.evaluate(
        "[1, 2, 3].map(() => navigator.sendBeacon('/api/analytics/events', 'x'.repeat(40_000)))"
    )

    assert went == [True, False, False]


def test_events_at_exit_are_stored_after_the_next_visit(
    visitor: Visitor, server: RecordingServer, real: System, conference: str
) -> None:
    server.upstream = real.url
    server.pages["/"] = sdk_page(
        {**SHORT, "conferenceId": conference},
        before=PAGE_VIEWS
        + REGISTRATIONS
        # Before the SDK's own listener, with the registrations last.
        + "addEventListener('pagehide', () => { if (window.full) { pageViews(190); registrations(10) } })",
    )
    server.pages["/elsewhere"] = EMPTY
    page = visitor.open("/")
    page.evaluate("window.full = true")
    page.goto(server.url + "/elsewhere")

    (beacon,) = wait_for(lambda: server.requests, "the beacon")
    assert 50 * KIB < len(beacon.body) <= 60 * KIB
    assert [event["type"] for event in beacon.events[:11]] == ["registration"] * 10 + ["page_view"]
    kept = page.evaluate("Object.keys(localStorage).filter(key => key.startsWith('meeteasy:event:')).length")
    assert kept == 200

    page.goto(server.url + "/")  # the next visit
    wait_for(lambda: len(server.events) == 200 + len(beacon.events), "all events, and the beacon's once more")
    times = Counter(event["event_id"] for event in server.events)
    assert {times[id] for id in beacon.ids} == {2}
    assert sorted(times.values()) == [1] * (200 - len(beacon.ids)) + [2] * len(beacon.ids)
    assert all(len(sent.body) <= 60 * KIB for sent in server.requests)
    figures = wait_for(
        lambda: (found := day_figures(real, conference))["pv"] == 190 and found,
        "the day's figures",
        seconds=40,
    )
    assert figures == {"pv": 190, "uv": 1, "registrations": 10, "shares": 0, "share_conversions": 0}


def test_what_is_in_flight_counts_against_the_60_kib(visitor: Visitor, server: RecordingServer) -> None:
    server.answer = lambda sent: Answer(202, {"accepted": 1, "rejected": []}, delay=2)
    server.pages["/"] = sdk_page(SHORT, before=PAGE_VIEWS)
    server.pages["/elsewhere"] = EMPTY
    page = visitor.open("/")
    page.evaluate("pageViews(40); void meeteasy.flush()")
    wait_for(lambda: server.requests, "the request")
    page.evaluate("pageViews(40, 'q')")
    page.goto(server.url + "/elsewhere")

    first, second = wait_for(lambda: len(server.requests) == 2 and server.requests, "the beacon")
    assert first.ended is None or first.ended > second.started
    assert 10 <= len(second.events) < 40
    assert len(first.body) + len(second.body) <= 60 * KIB
    assert not set(first.ids) & set(second.ids)


def test_a_beacons_events_are_sent_again_at_next_load(
    visitor: Visitor, server: RecordingServer, real: System, conference: str
) -> None:
    server.upstream = real.url
    server.pages["/"] = sdk_page({**SHORT, "conferenceId": conference})
    server.pages["/elsewhere"] = EMPTY
    page = visitor.open("/")
    page.evaluate("meeteasy.trackEvent('page_view', { page: '/' })")
    page.goto(server.url + "/elsewhere")
    wait_for(lambda: len(server.requests) == 1, "the beacon")

    for _ in range(2):  # the second time nothing is left
        page.goto(server.url + "/")
        page.wait_for_timeout(4000)
        page.goto(server.url + "/elsewhere")
    beacon, again = server.requests
    assert again.ids == beacon.ids
    wait_for(lambda: day_figures(real, conference)["pv"] == 1, "the day's figures", seconds=40)


def test_where_there_are_no_beacons_a_request_outlives_the_page(
    visitor: Visitor, server: RecordingServer
) -> None:
    visitor.context.add_init_script("delete Navigator.prototype.sendBeacon")
    server.pages["/"] = sdk_page(SHORT)
    server.pages["/elsewhere"] = EMPTY
    page = visitor.open("/")
    page.evaluate("meeteasy.trackEvent('page_view', { page: '/' })")
    page.goto(server.url + "/elsewhere")
    (sent,) = wait_for(lambda: server.requests, "the request")
    assert [event["type"] for event in sent.events] == ["page_view"]


def test_a_lost_beacons_events_arrive_with_the_next_load(visitor: Visitor, server: RecordingServer) -> None:
    server.answer = lambda sent: Answer(hang_up=True)  # each: Chromium itself tries a second time
    server.pages["/"] = sdk_page(SHORT)
    server.pages["/elsewhere"] = EMPTY
    page = visitor.open("/")
    page.evaluate("meeteasy.trackEvent('page_view', { page: '/' })")
    page.goto(server.url + "/elsewhere")
    wait_for(lambda: server.requests, "the beacon")
    page.wait_for_timeout(1000)
    lost = len(server.requests)

    server.answer = lambda sent: None
    page.goto(server.url + "/")
    wait_for(lambda: len(server.requests) == lost + 1, "the events once more")
    assert server.requests[lost].ids == server.requests[0].ids
    wait_for(lambda: page.evaluate("localStorage.getItem('meeteasy:visitor')"), "the visitor")
    wait_for(
        lambda: not page.evaluate("Object.keys(localStorage).some(key => key.startsWith('meeteasy:event:'))"),
        "an empty queue",
    )


def test_a_hidden_page_sends_at_once_and_listens(visitor: Visitor, server: RecordingServer) -> None:
    server.pages["/"] = sdk_page(QUIET)
    page = visitor.open("/")
    page.evaluate("""() => {
      meeteasy.trackEvent('page_view', { page: '/' })
      Object.defineProperty(document, 'visibilityState', { value: 'hidden' })
      document.dispatchEvent(new Event('visibilitychange'))
    }""")
    wait_for(lambda: len(server.requests) == 1, "the request")
    wait_for(
        lambda: page.evaluate("!Object.keys(localStorage).some(key => /^meeteasy:(event|claim):/.test(key))"),
        "an empty queue",
    )
