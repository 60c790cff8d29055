"""Slow networks, and what the server may answer."""

from collections import Counter
from itertools import combinations, pairwise

import pytest

from tests.webapi.browser import Visitor, is_empty, problems_of, wait_for
from tests.webapi.pages import PAGE_VIEWS, QUIET, sdk_page
from tests.webapi.server import Answer, RecordingServer, Sent

pytestmark = pytest.mark.processes

HIDE_AND_SHOW = """() => {
  let state = 'hidden'
  Object.defineProperty(document, 'visibilityState', { get: () => state, configurable: true })
  document.dispatchEvent(new Event('visibilitychange'))
  state = 'visible'
  document.dispatchEvent(new Event('visibilitychange'))
}"""


def test_a_slow_network_puts_no_event_in_two_requests(visitor: Visitor, server: RecordingServer) -> None:
    server.answer = lambda sent: Answer(202, {"accepted": len(sent.events), "rejected": []}, delay=1.5)
    server.pages["/"] = sdk_page({"flushInterval": 100, "flushAt": 3})
    page = visitor.open("/")
    page.evaluate("""{ let left = 50; const timer = setInterval(() => {
      meeteasy.trackEvent('page_view', { page: '/' + left })
      void meeteasy.flush()
      if (!--left) clearInterval(timer)
    }, 80) }""")
    for _ in range(3):  # leaving sends too, beside what is in flight
        page.wait_for_timeout(1000)
        page.evaluate(HIDE_AND_SHOW)

    wait_for(lambda: len(server.events) >= 50, "all events")
    wait_for(lambda: all(sent.ended for sent in server.requests), "all answers")
    assert len(server.requests) > 3
    assert set(Counter(event["event_id"] for event in server.events).values()) == {1}
    assert [pair for pair in combinations(server.requests, 2) if pair[1].started < (pair[0].ended or 0)], (
        "the control: requests did overlap"
    )


def test_an_unanswered_request_is_sent_again(visitor: Visitor, server: RecordingServer) -> None:
    server.answer = lambda sent: Answer(delay=4) if len(server.requests) == 1 else None
    server.pages["/"] = sdk_page({**QUIET, "requestTimeout": 1500})
    page = visitor.open("/")
    page.evaluate("meeteasy.trackEvent('page_view', { page: '/' }); void meeteasy.flush()")

    first, second = wait_for(lambda: len(server.requests) == 2 and server.requests, "a second request")
    assert second.ids == first.ids
    assert second.started - first.started > 1.5


def test_a_too_large_batch_is_halved_until_it_fits(visitor: Visitor, server: RecordingServer) -> None:
    server.answer = lambda sent: (
        Answer(413, {"error": {"code": "too_large"}}) if len(sent.body) > 8000 else None
    )
    server.pages["/"] = sdk_page(QUIET, before=PAGE_VIEWS)
    page = visitor.open("/")
    page.evaluate("""() => {
      pageViews(40)
      meeteasy.trackEvent('page_view', { page: '/huge', properties: { text: 'x'.repeat(9000) } })
      pageViews(5, 'q')
      void meeteasy.flush()
    }""")

    def taken() -> list[str]:
        return [event["page"] for sent in server.requests if sent.status == 202 for event in sent.events]

    wait_for(lambda: is_empty(page), "an empty queue")
    assert sorted(taken()) == sorted([f"/p{i}" for i in range(40)] + [f"/q{i}" for i in range(5)])
    (problem,) = problems_of(page)
    assert (problem["code"], problem["status"], problem["isWarning"]) == ("too_large", 413, False)
    assert [event["page"] for event in problem["events"]] == ["/huge"]
    assert len(server.requests) < 45


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_respected_by_all_tabs(visitor: Visitor, server: RecordingServer, status: int) -> None:
    server.answer = lambda sent: (
        Answer(status, {"error": {"code": "busy"}}, {"retry-after": "3"})
        if len(server.requests) == 1
        else None
    )
    server.pages["/"] = sdk_page({"flushInterval": 100})
    one, other = visitor.open("/"), visitor.open("/")
    one.evaluate("meeteasy.trackEvent('registration', { form_id: 'f' })")
    wait_for(lambda: server.requests, "the refused request")
    one.wait_for_timeout(200)
    other.evaluate("meeteasy.trackEvent('registration', { form_id: 'g' }); void meeteasy.flush()")
    other.evaluate(HIDE_AND_SHOW)

    wait_for(lambda: len({event["event_id"] for event in server.events}) == 2, "both events")
    first, second = server.requests[:2]
    assert second.started - first.started >= 3
    one.wait_for_timeout(500)
    assert Counter(event["form_id"] for sent in server.requests[1:] for event in sent.events) == {
        "f": 1,
        "g": 1,
    }
    assert problems_of(one) == problems_of(other) == []


def test_failures_are_tried_again_at_growing_random_distances(
    visitor: Visitor, server: RecordingServer
) -> None:
    server.answer = lambda sent: Answer(hang_up=True) if len(server.requests) <= 4 else None
    server.pages["/"] = sdk_page({"flushInterval": 50})
    page = visitor.open("/")
    page.evaluate("meeteasy.trackEvent('registration', { form_id: 'f' })")

    wait_for(lambda: len(server.requests) == 5, "the fifth attempt", seconds=40)
    gaps = [later.started - earlier.started for earlier, later in pairwise(server.requests)]
    for number, gap in enumerate(gaps):
        assert 0.5 * 2**number <= gap <= 2**number + 1, gaps
    wait_for(lambda: is_empty(page), "an empty queue")
    assert problems_of(page) == []


def test_waiting_events_are_sent_when_the_network_is_back(visitor: Visitor, server: RecordingServer) -> None:
    server.pages["/"] = sdk_page({"flushInterval": 100})
    page = visitor.open("/")
    visitor.context.set_offline(True)
    page.evaluate("for (let i = 0; i < 5; i++) meeteasy.trackEvent('registration', { form_id: 'f' + i })")
    page.wait_for_timeout(4000)
    assert server.requests == []

    visitor.context.set_offline(False)
    wait_for(lambda: server.requests, "the events", seconds=1)
    assert [event["form_id"] for event in server.events] == [f"f{i}" for i in range(5)]


def test_a_page_that_is_not_ours_is_no_answer(visitor: Visitor, server: RecordingServer) -> None:
    """A hotel's network answers everything with 200 and its sign-in page."""
    server.answer = lambda sent: Answer(200, "<html>sign in</html>") if len(server.requests) == 1 else None
    server.pages["/"] = sdk_page(QUIET)
    page = visitor.open("/")
    page.evaluate("meeteasy.trackEvent('registration', { form_id: 'f' })")

    wait_for(lambda: len(server.requests) == 2, "a second attempt")
    assert server.requests[0].ids == server.requests[1].ids


@pytest.mark.parametrize("status", [400, 401, 403, 404, 415])
def test_other_refusals_are_reported_and_not_sent_again(
    visitor: Visitor, server: RecordingServer, status: int
) -> None:
    server.answer = lambda sent: Answer(status, {"error": {"code": "no", "message": "No."}})
    server.pages["/"] = sdk_page({"flushInterval": 100})
    page = visitor.open("/")
    page.evaluate("meeteasy.trackEvent('page_view', { page: '/a' })")

    wait_for(lambda: problems_of(page), "the problem")
    page.wait_for_timeout(1500)
    (problem,) = problems_of(page)
    assert (problem["status"], problem["code"], problem["message"]) == (status, "no", "No.")
    assert [event["page"] for event in problem["events"]] == ["/a"]
    assert len(server.requests) == 1
    assert is_empty(page)


def test_rejected_events_and_warnings_are_reported_with_their_event(
    visitor: Visitor, server: RecordingServer
) -> None:
    def answer(sent: Sent) -> Answer:
        rejected = {"index": 1, "code": "too_old", "message": "Old.", "field": "ts"}
        warning = {"index": 0, "code": "cut", "message": "Cut.", "field": "title"}
        return Answer(202, {"accepted": 1, "rejected": [rejected], "warnings": [warning]})

    server.answer = answer
    server.pages["/"] = sdk_page({"flushInterval": 100})
    page = visitor.open("/")
    page.evaluate("for (const page of ['/a', '/b']) meeteasy.trackEvent('page_view', { page })")

    wait_for(lambda: len(problems_of(page)) == 2, "both reports")
    assert [
        (problem["code"], problem["field"], problem["isWarning"], problem["events"][0]["page"])
        for problem in problems_of(page)
    ] == [("too_old", "ts", False, "/b"), ("cut", "title", True, "/a")]
    page.wait_for_timeout(500)
    assert len(server.requests) == 1


def test_an_event_that_somebody_wrote_over_costs_no_other(visitor: Visitor, server: RecordingServer) -> None:
    def answer(sent: Sent) -> Answer | None:
        try:
            sent.events  # noqa: B018
        except ValueError:
            return Answer(400, {"error": {"code": "invalid_json", "message": "No JSON."}})
        return None

    server.answer = answer
    server.pages["/"] = sdk_page(QUIET, before=PAGE_VIEWS)
    page = visitor.open("/")
    page.evaluate("""() => {
      pageViews(10)
      const key = Object.keys(localStorage).filter(key => key.includes(':event:'))[4]
      localStorage.setItem(key, '{"type": "page_v')
      void meeteasy.flush()
    }""")

    wait_for(lambda: is_empty(page), "an empty queue")
    assert sum(len(sent.events) for sent in server.requests if sent.status == 202) == 9
    assert [problem["code"] for problem in problems_of(page)] == ["invalid_json"]
