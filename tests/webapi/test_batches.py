"""When events are sent, and what is in a batch."""

import re
import time
import uuid

import pytest

from tests.webapi.browser import Visitor, wait_for
from tests.webapi.pages import QUIET, sdk_page
from tests.webapi.server import RecordingServer

pytestmark = pytest.mark.processes


def test_twenty_waiting_events_are_sent_at_once(visitor: Visitor, server: RecordingServer) -> None:
    server.pages["/"] = sdk_page()  # as it is without options
    page = visitor.open("/")
    views = "for (let i = 0; i < {0}; i++) meeteasy.trackEvent('page_view', {{ page: '/' + i }})"
    page.evaluate(views.format(19))
    page.wait_for_timeout(500)
    assert server.requests == []

    page.evaluate(views.format(1))
    wait_for(lambda: server.requests, "the batch")
    assert [event["page"] for event in server.requests[0].events] == [f"/{i}" for i in range(19)] + ["/0"]


def test_events_wait_for_others_no_longer_than_the_interval(
    visitor: Visitor, server: RecordingServer
) -> None:
    server.pages["/"] = sdk_page({"flushInterval": 1000})
    page = visitor.open("/")
    started = time.monotonic()
    for number in range(3):
        page.evaluate(f"meeteasy.trackEvent('page_view', {{ page: '/{number}' }})")
        page.wait_for_timeout(200)

    wait_for(lambda: server.requests, "the batch")
    assert 0.9 < server.requests[0].started - started < 3
    assert len(server.requests[0].events) == 3


@pytest.mark.parametrize("event", ["'registration', { form_id: 'f' }", "'checkin', { method: 'qr' }"])
def test_registrations_and_check_ins_go_at_once(
    visitor: Visitor, server: RecordingServer, event: str
) -> None:
    server.pages["/"] = sdk_page(QUIET)
    page = visitor.open("/")
    page.evaluate(f"meeteasy.trackEvent({event})")
    wait_for(lambda: server.requests, "the event", seconds=2)


def test_a_batch_needs_no_preflight_and_names_its_time(visitor: Visitor, server: RecordingServer) -> None:
    server.pages["/"] = sdk_page(QUIET)
    page = visitor.open("/")
    page.evaluate("meeteasy.trackEvent('page_view', { page: '/' }); void meeteasy.flush()")
    wait_for(lambda: server.requests, "the batch")
    (sent,) = server.requests
    assert sent.headers["content-type"] == "text/plain"
    assert re.search(rb'"sent_at":\d{13}}$', sent.body)


def test_ids_are_uuid7_and_rise_with_the_events(visitor: Visitor, server: RecordingServer) -> None:
    """Also within a millisecond, and when the clock is set back."""
    server.pages["/"] = sdk_page(QUIET)
    page = visitor.open("/")
    page.evaluate("""() => {
      for (let i = 0; i < 300; i++) meeteasy.trackEvent('page_view', { page: '/' + i })
      const now = Date.now()
      Date.now = () => now - 60_000
      for (let i = 300; i < 305; i++) meeteasy.trackEvent('page_view', { page: '/' + i })
      void meeteasy.flush()
    }""")
    wait_for(lambda: len(server.events) == 305, "all events")
    ids = {event["page"]: uuid.UUID(event["event_id"]) for event in server.events}
    in_order = [ids[f"/{i}"] for i in range(305)]
    assert in_order == sorted(in_order)
    assert len(set(in_order)) == 305
    assert {(id.version, id.variant) for id in in_order} == {(7, uuid.RFC_4122)}
    assert abs((in_order[0].int >> 80) - server.events[0]["ts"]) < 10


def test_a_session_ends_after_thirty_minutes_without_an_event(
    visitor: Visitor, server: RecordingServer
) -> None:
    server.pages["/"] = sdk_page(QUIET)
    page, other = visitor.open("/"), visitor.open("/")
    page.evaluate("""() => {
      const now = Date.now()
      for (const minutes of [0, 29, 58, 89]) {
        Date.now = () => now + minutes * 60_000
        meeteasy.trackEvent('page_view', { page: '/' + minutes })
      }
    }""")
    other.evaluate("""() => {
      const now = Date.now()
      Date.now = () => now + 90 * 60_000
      meeteasy.trackEvent('page_view', { page: '/other-tab' })
      Date.now = () => now
      void meeteasy.flush()
    }""")
    wait_for(lambda: len(server.events) == 5, "all events")
    session = {event["page"]: event["session_id"] for event in server.events}
    assert session["/0"] == session["/29"] == session["/58"]
    assert session["/89"] == session["/other-tab"] != session["/58"]
    assert len({event["visitor_id"] for event in server.events}) == 1
