"""Storage that is full, blocked or not what it seems."""

import pytest

from tests.support.system import System
from tests.webapi.browser import Visitor, day_figures, problems_of, wait_for
from tests.webapi.pages import EMPTY, PAGE_VIEWS, QUIET, REGISTRATIONS, sdk_page
from tests.webapi.server import Answer, RecordingServer

pytestmark = pytest.mark.processes

# Leaves room for `left` characters.
FILL = """function fill(left) {
  localStorage.setItem('room', 'x'.repeat(left))
  for (let size = 2 ** 23, n = 0; size >= 1;) {
    try {
      localStorage.setItem('junk' + n++, 'x'.repeat(size))
    } catch {
      size /= 2
    }
  }
  localStorage.removeItem('room')
}"""

BLOCKED = {
    "the getter throws": """Object.defineProperty(window, 'localStorage', {
        get() { throw new DOMException('denied', 'SecurityError') } })""",
    "it is null": "Object.defineProperty(window, 'localStorage', { value: null })",
    "it drops what is set": "Storage.prototype.setItem = () => {}",
    "every method throws": """for (const name of ['getItem', 'setItem', 'removeItem', 'key'])
        Storage.prototype[name] = () => { throw new Error('no') }""",
}


def refuse(sent: object) -> Answer:
    return Answer(503, {"error": {"code": "queue_full"}}, {"retry-after": "2"})


def test_full_storage_throws_nothing_and_memory_takes_over(visitor: Visitor, server: RecordingServer) -> None:
    server.answer = refuse
    server.pages["/"] = sdk_page({**QUIET, "maxQueued": 200}, before=FILL + PAGE_VIEWS + REGISTRATIONS)
    page = visitor.open("/")
    page.evaluate("meeteasy.visitorId(); fill(20_000); registrations(20); pageViews(250)")
    wait_for(lambda: server.requests, "the first refusal")
    assert page.evaluate("Object.keys(localStorage).some(key => key.startsWith('junk'))")

    server.answer = lambda sent: None
    wait_for(lambda: server.requests[-1].status == 202 and len(server.of_type("page_view")) >= 180, "events")
    page.wait_for_timeout(1000)
    taken = [event for sent in server.requests if sent.status == 202 for event in sent.events]
    assert [event["registration_id"] for event in taken if event["type"] == "registration"] == [
        f"r{i}" for i in range(20)
    ]
    assert [event["page"] for event in taken if event["type"] == "page_view"] == [
        f"/p{i}" for i in range(70, 250)
    ]
    dropped = [event["page"] for problem in problems_of(page) for event in problem["events"]]
    assert {problem["code"] for problem in problems_of(page)} == {"queue_full"}
    assert dropped == [f"/p{i}" for i in range(70)], "the oldest page views, each reported once"


def test_a_registration_displaces_page_views_in_full_storage(
    visitor: Visitor, server: RecordingServer
) -> None:
    server.answer = refuse
    server.pages["/"] = sdk_page(QUIET, before=FILL + PAGE_VIEWS + REGISTRATIONS)
    server.pages["/elsewhere"] = EMPTY
    page = visitor.open("/")
    page.evaluate("meeteasy.visitorId(); fill(10_000); pageViews(30); registrations(3)")
    wait_for(lambda: server.requests, "the refusal")
    page.wait_for_timeout(300)

    kept = page.evaluate("Object.keys(localStorage).filter(key => key.includes(':event:0'))")
    assert len(kept) == 3, "they outlive a crash of the page"


@pytest.mark.parametrize("block", BLOCKED.values(), ids=BLOCKED)
def test_without_storage_visitors_still_count(
    visitor: Visitor, server: RecordingServer, real: System, conference: str, block: str
) -> None:
    server.upstream = real.url
    visitor.context.add_init_script(block)
    server.pages["/"] = sdk_page({**QUIET, "conferenceId": conference}, after="meeteasy.trackPageViews()")
    server.pages["/elsewhere"] = EMPTY
    page = visitor.open("/")
    page.evaluate("void meeteasy.flush()")
    wait_for(lambda: len(server.events) == 1, "the first page view")
    page.goto(server.url + "/?again")
    page.goto(server.url + "/elsewhere")  # the second goes by beacon

    wait_for(lambda: len(server.events) == 2, "the second page view")
    # An id that lives no longer than a page would make two visitors of one.
    assert all("visitor_id" not in event for event in server.events)
    figures = wait_for(
        lambda: (found := day_figures(real, conference))["pv"] == 2 and found, "the figures", seconds=40
    )
    assert figures["uv"] == 1


def test_the_queue_outlives_a_page_that_dies(visitor: Visitor, server: RecordingServer) -> None:
    server.pages["/"] = sdk_page(QUIET)
    visitor.context.new_page().goto(server.url + "/")  # so that the context lives on
    page = visitor.open("/")
    page.evaluate("meeteasy.trackEvent('page_view', { page: '/a' })")
    page.close(run_before_unload=False)

    visitor.open("/")
    wait_for(lambda: [event["page"] for event in server.events][:1] == ["/a"], "the event")
