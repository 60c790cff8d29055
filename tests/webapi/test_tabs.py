"""Several tabs of one visitor, with Web Locks and without."""

import os
import signal
import time
from collections import Counter
from contextlib import suppress
from itertools import combinations
from typing import Any

import psutil
import pytest

from tests.support.system import System
from tests.webapi.browser import Visitor, day_figures, wait_for
from tests.webapi.pages import QUIET, sdk_page
from tests.webapi.server import Answer, RecordingServer, Sent

pytestmark = pytest.mark.processes

NO_LOCKS = "Object.defineProperty(Navigator.prototype, 'locks', { get: () => undefined })"
# A lock that locks nothing, and storage in which no claim is ever seen.
NO_GUARD = """
if (navigator.locks) navigator.locks.request = (name, how, work) => work()
const keys = Object.keys
Object.keys = of => of === localStorage ? keys(of).filter(key => !key.includes('claim:')) : keys(of)
"""

with_and_without_locks = pytest.mark.parametrize("script", ["", NO_LOCKS], ids=["web locks", "lease"])


def record(count: int, name: str) -> str:
    return f"for (let i = 0; i < {count}; i++) meeteasy.trackEvent('page_view', {{ page: '/{name}/' + i }})"


def open_tabs(visitor: Visitor, count: int, script: str) -> list[Any]:
    visitor.context.add_init_script(script)
    return [visitor.open("/") for _ in range(count)]


def times_of_renderers() -> dict[psutil.Process, float]:
    found = {}
    for process in psutil.Process(os.getpid()).children(recursive=True):
        with suppress(psutil.NoSuchProcess):  # those of closed tabs are still ending
            if "--type=renderer" in process.cmdline():
                found[process] = process.cpu_times().user
    return found


def renderer_of(page: Any) -> psutil.Process:
    """The process of a tab: the one that works when the tab does. One that only starts works less."""
    before = times_of_renderers()

    def find() -> psutil.Process | None:
        page.evaluate("{ const end = Date.now() + 300; while (Date.now() < end); }")
        worked = {process: time - before.get(process, 0) for process, time in times_of_renderers().items()}
        second, first = sorted(worked, key=lambda process: worked[process])[-2:]
        return first if worked[first] > max(0.4, 3 * worked[second]) else None

    return wait_for(find, "the tab's process to work more than the others")


def overlap(one: Sent, other: Sent) -> bool:
    assert one.ended is not None
    assert other.ended is not None
    return one.started < other.ended and other.started < one.ended


def send_from_five_tabs_at_once(visitor: Visitor, server: RecordingServer, script: str) -> None:
    server.answer = lambda sent: Answer(202, {"accepted": len(sent.events), "rejected": []}, delay=0.3)
    server.pages["/"] = sdk_page({"flushInterval": 200})
    tabs = open_tabs(visitor, 5, script)
    for number, tab in enumerate(tabs):
        tab.evaluate(f"""{{ let left = 20; const timer = setInterval(() => {{
            meeteasy.trackEvent('page_view', {{ page: '/{number}/' + left }})
            if (!--left) clearInterval(timer)
        }}, 50) }}""")
    wait_for(
        lambda: len({event["page"] for event in server.events}) == 100, "100 events of five tabs", seconds=40
    )
    wait_for(lambda: all(sent.ended for sent in server.requests), "all answers")


@with_and_without_locks
def test_five_tabs_take_turns_and_send_events_once(
    visitor: Visitor, server: RecordingServer, script: str
) -> None:
    send_from_five_tabs_at_once(visitor, server, script)

    assert len(server.events) == 100
    assert not [pair for pair in combinations(server.requests, 2) if overlap(*pair)]


def test_without_the_guard_five_tabs_send_events_twice(visitor: Visitor, server: RecordingServer) -> None:
    """The control."""
    send_from_five_tabs_at_once(visitor, server, NO_GUARD)

    assert len(server.events) > 100
    assert [pair for pair in combinations(server.requests, 2) if overlap(*pair)]


@with_and_without_locks
def test_five_tabs_one_killed_send_each_event_once(
    visitor: Visitor, server: RecordingServer, real: System, conference: str, script: str
) -> None:
    server.upstream = real.url
    server.pages["/"] = sdk_page({**QUIET, "conferenceId": conference, "requestTimeout": 2000})
    tabs = open_tabs(visitor, 5, script)
    for number, tab in enumerate(tabs):
        tab.evaluate(record(20, str(number)))
    victim = renderer_of(tabs[4])
    with tabs[4].expect_event("crash"):
        os.kill(victim.pid, signal.SIGKILL)

    for tab in tabs[:4]:
        tab.evaluate("void meeteasy.flush()")
    wait_for(lambda: len(server.events) >= 100, "100 events")
    tabs[0].wait_for_timeout(4000)  # longer than any claim lasts
    assert Counter(event["page"] for event in server.events) == Counter(
        f"/{number}/{i}" for number in range(5) for i in range(20)
    )
    figures = wait_for(
        lambda: (found := day_figures(real, conference))["pv"] == 100 and found, "the figures", seconds=40
    )
    assert figures["uv"] == 1


@with_and_without_locks
def test_what_a_killed_tab_was_sending_is_sent_again(
    visitor: Visitor, server: RecordingServer, real: System, conference: str, script: str
) -> None:
    """Whether the request arrived nobody can know: its events alone go once more, and count once."""
    server.upstream = real.url
    server.pages["/"] = sdk_page({**QUIET, "conferenceId": conference, "requestTimeout": 3000})
    tabs = open_tabs(visitor, 5, script)
    victim = renderer_of(tabs[4])
    crashed: list[Any] = []
    tabs[4].on("crash", lambda page: crashed.append(page))

    def take_the_first_without_an_answer(sent: Sent) -> Answer | None:
        if len(server.requests) == 1:
            server._hand_on(sent)
            os.kill(victim.pid, signal.SIGKILL)
            return Answer(hang_up=True)
        return None

    server.answer = take_the_first_without_an_answer
    tabs[4].evaluate(record(20, "4") + "; void meeteasy.flush()")
    wait_for(lambda: server.requests and server.requests[0].ended, "the request of the killed tab")
    for number, tab in enumerate(tabs[:4]):
        tab.evaluate(record(20, str(number)) + "; void meeteasy.flush()")

    wait_for(
        lambda: len(server.events) >= 120, "all events, and those of the killed tab once more", seconds=20
    )
    tabs[0].wait_for_timeout(5000)
    assert crashed == [tabs[4]]
    times = Counter(event["page"] for event in server.events)
    assert times == Counter({f"/{n}/{i}": 1 + (n == 4) for n in range(5) for i in range(20)})
    assert len({event["event_id"] for event in server.events}) == 100
    wait_for(lambda: day_figures(real, conference)["pv"] == 100, "the day's figures", seconds=40)


def test_a_hanging_tab_keeps_no_other_from_sending(visitor: Visitor, server: RecordingServer) -> None:
    server.answer = lambda sent: Answer(202, {"accepted": 1, "rejected": []}, delay=0.3)
    server.pages["/"] = sdk_page({**QUIET, "requestTimeout": 1000})
    hanging, other = open_tabs(visitor, 2, "")
    hanging.evaluate("""() => {
      meeteasy.trackEvent('page_view', { page: '/hanging' })
      void meeteasy.flush()
      setTimeout(() => { const end = Date.now() + 6000; while (Date.now() < end); }, 100)
    }""")
    wait_for(lambda: server.requests, "the request of the tab that hangs")
    started = time.monotonic()
    other.evaluate("meeteasy.trackEvent('page_view', { page: '/other' }); void meeteasy.flush()")

    wait_for(lambda: len(server.events) >= 2, "the event of the other tab", seconds=5)
    assert 1 < time.monotonic() - started < 4
    # It may send what the first was sending again, after a while; nobody can know whether it arrived.
    assert server.events[-1]["page"] in ("/other", "/hanging")
    wait_for(lambda: {event["page"] for event in server.events} == {"/hanging", "/other"}, "both events")


def test_a_cached_page_keeps_no_other_from_sending(visitor: Visitor, server: RecordingServer) -> None:
    server.answer = lambda sent: Answer(delay=6) if len(server.requests) == 1 else None
    server.pages["/"] = server.pages["/next"] = sdk_page(QUIET)
    page = visitor.open("/")
    page.evaluate("meeteasy.trackEvent('page_view', { page: '/slow' }); void meeteasy.flush()")
    wait_for(lambda: server.requests, "the slow request")
    page.goto(server.url + "/next")
    page.evaluate("meeteasy.trackEvent('page_view', { page: '/next' }); void meeteasy.flush()")

    wait_for(lambda: len(server.requests) == 2, "the request of the next page", seconds=3)
    assert [event["page"] for event in server.events] == ["/slow", "/next"]
