"""A, B and C in browsers of their own, against the real system."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.support.system import System
from tests.webapi.browser import Visitor, day_figures, is_empty, problems_of, traces_of, wait_for
from tests.webapi.pages import EMPTY, QUIET, sdk_page
from tests.webapi.server import RecordingServer

pytestmark = pytest.mark.processes

TRACKED = "meeteasy.followShares(); meeteasy.trackPageViews()"


@pytest.fixture
def site(server: RecordingServer, real: System, conference: str) -> RecordingServer:
    server.upstream = real.url
    server.pages[f"/conf/{conference}"] = sdk_page({**QUIET, "conferenceId": conference}, after=TRACKED)
    server.pages["/elsewhere"] = EMPTY
    return server


def code_in(address: str) -> str:
    return parse_qs(urlsplit(address).query)["_s"][0]


def test_a_share_and_a_forwarded_address_are_both_credited(
    new_visitor: Callable[..., Visitor], site: RecordingServer, real: System, conference: str
) -> None:
    a, b, c = (new_visitor() for _ in range(3))
    page_of_a = a.open(f"/conf/{conference}")
    link_of_a = page_of_a.evaluate("meeteasy.createShareLink({ channel: 'wechat' })")
    page_of_a.goto(site.url + "/elsewhere")

    page_of_b = b.open(link_of_a)
    forwarded = page_of_b.evaluate("location.href")
    page_of_b.goto(site.url + "/elsewhere")
    assert code_in(forwarded) != code_in(link_of_a)

    page_of_c = c.open(f"{forwarded}&from=singlemessage&isappinstalled=0")
    page_of_c.evaluate("meeteasy.trackEvent('registration', { form_id: 'main', registration_id: 'reg-c' })")

    def credited() -> dict[str, Any] | None:
        found: dict[str, Any] = real.get("/api/sharing/conversions", conference_id=conference)
        # The totals may be read a moment after the page.
        return found if found["totals"]["credits"] == 2 and found["results"] else None

    found = wait_for(credited, "both credits", seconds=40)
    assert found["totals"] == {"share_conversions": 1, "registrations_reported": 1, "credits": 2}
    assert [(item["code"], item["kind"]) for item in found["results"][0]["credits"]] == [
        (code_in(forwarded), "direct"),
        (code_in(link_of_a), "assisted"),
    ]
    (root,) = real.get("/api/sharing/tree", conference_id=conference, depth=2)["results"]
    (child,) = root["children"]
    assert (root["code"], root["opens"], child["code"], child["opens"]) == (
        code_in(link_of_a), 1, code_in(forwarded), 1,
    )  # fmt: skip
    # C's code in the address bar is minted, and no share until somebody opens it.
    expected = {"pv": 3, "uv": 3, "registrations": 1, "shares": 2, "share_conversions": 1}
    wait_for(lambda: day_figures(real, conference) == expected, "the day's figures", seconds=40)
    assert a.errors == b.errors == c.errors == []


def test_our_form_and_the_sdk_report_one_registration(
    new_visitor: Callable[..., Visitor], site: RecordingServer, real: System, conference: str
) -> None:
    page_of_a = new_visitor().open(f"/conf/{conference}")
    link = page_of_a.evaluate("meeteasy.createShareLink({ channel: 'mail' })")
    page_of_a.goto(site.url + "/elsewhere")

    page = new_visitor().open(link)
    receipt = page.evaluate(
        """async url => {
          const response = await fetch(url, {
            method: 'POST',
            headers: { 'content-type': 'application/json' },
            body: JSON.stringify({
              name: 'Carol', email: 'carol@example.com', form_id: 'main', ...meeteasy.registrationFields()
            })
          })
          const answer = await response.json()
          const receipt = answer.receipt ?? answer.id
          meeteasy.trackEvent('registration', { form_id: 'main', registration_id: receipt })
          await meeteasy.flush()
          return receipt
        }""",
        f"{real.url}/api/conferences/{conference}/registrations",
    )
    assert receipt
    expected = {"pv": 2, "uv": 2, "registrations": 1, "shares": 1, "share_conversions": 1}
    wait_for(lambda: day_figures(real, conference) == expected, "the day's figures", seconds=40)


def test_events_arrive_from_pages_of_other_origins(
    new_visitor: Callable[..., Visitor], server: RecordingServer, real: System, conference: str
) -> None:
    """Straight to the real server: the answer is read across origins, the beacon goes without a preflight."""
    server.pages["/"] = sdk_page(
        {**QUIET, "conferenceId": conference, "endpoint": f"{real.url}/api/analytics/events"}, after=TRACKED
    )
    server.pages["/elsewhere"] = EMPTY
    page = new_visitor().open("/")
    page.evaluate("meeteasy.flush()")
    assert page.evaluate("Object.keys(localStorage).filter(key => key.includes(':event:'))") == []
    page.evaluate("meeteasy.trackEvent('page_view', { page: '/by-beacon' })")
    page.goto(server.url + "/elsewhere")

    wait_for(lambda: day_figures(real, conference)["pv"] == 2, "the day's figures", seconds=40)


def test_events_older_than_the_acceptance_window_reach_on_error(
    visitor: Visitor, server: RecordingServer, real: System, conference: str
) -> None:
    """Kept offline for eight days: the server says so, and the fresh event of the same batch counts."""
    server.upstream = real.url
    server.pages["/"] = sdk_page({**QUIET, "conferenceId": conference})
    page = visitor.open("/")
    page.evaluate("""() => {
      const now = Date.now()
      Date.now = () => now - 8 * 86_400_000
      meeteasy.trackEvent('page_view', { page: '/old' })
      Date.now = () => now
      meeteasy.trackEvent('page_view', { page: '/new' })
      void meeteasy.flush()
    }""")

    (problem,) = wait_for(lambda: problems_of(page), "the problem")
    assert (problem["code"], problem["field"]) == ("too_old", "ts")
    assert [event["page"] for event in problem["events"]] == ["/old"]
    assert is_empty(page)


def test_cookieless_stores_nothing_and_the_server_tells_visitors_apart(
    visitor: Visitor, server: RecordingServer, real: System, conference: str
) -> None:
    server.upstream = real.url
    server.pages["/"] = sdk_page(
        {**QUIET, "cookieless": True, "conferenceId": conference}, after="meeteasy.trackPageViews()"
    )
    server.pages["/elsewhere"] = EMPTY
    page = visitor.open("/")
    page.evaluate("void meeteasy.flush()")
    wait_for(lambda: len(server.events) == 1, "the first page view")
    assert traces_of(page, visitor) == []
    page.goto(server.url + "/?again")
    page.goto(server.url + "/elsewhere")

    wait_for(lambda: len(server.events) == 2, "the second page view, by beacon")
    assert all("visitor_id" not in event and "session_id" not in event for event in server.events)
    figures = wait_for(
        lambda: (found := day_figures(real, conference))["pv"] == 2 and found, "the figures", seconds=40
    )
    assert figures["uv"] == 1
