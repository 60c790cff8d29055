"""The published trackers in Chromium, on pages of another origin, against the running system."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.sdks.conftest import DOMAIN, WEBSITE, Stored
from tests.sdks.wire import Wire
from tests.webapi.browser import CHROMIUM, launch, wait_for

PACKAGES = Path(__file__).resolve().parent / "node_modules"

pytestmark = [
    pytest.mark.processes,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed (bin/test installs it as root)"),
    pytest.mark.skipif(
        not (PACKAGES / "installed").exists(),
        reason="the SDKs of tests/sdks are not installed (bin/test installs them where npm is)",
    ),
]

_PAGE = "<!doctype html><meta charset=utf-8><title>Agenda</title>{}<h1>Agenda</h1>"


# Of the module: while it runs, Playwright's event loop keeps Django's ORM from working.
@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = launch(playwright)
        yield browser
        browser.close()


@pytest.fixture
def site() -> Iterator[Wire]:
    """Serves pages, from an origin of its own."""
    made = Wire()
    yield made
    made.close()


@pytest.fixture
def open_page(chromium: Browser, site: Wire) -> Iterator[Any]:
    context = chromium.new_context()
    errors: list[str] = []
    context.on("weberror", lambda error: errors.append(str(error.error)))

    def make(head: str) -> Any:
        site.pages["/agenda"] = (_PAGE.format(head).encode(), "text/html")
        page = context.new_page()
        page.goto(f"{site.url}/agenda?utm_source=mail")
        return page

    yield make
    context.close()
    assert errors == []


def serve(site: Wire, path: str, file: Path) -> None:
    site.pages[path] = (file.read_bytes(), "text/javascript")


def test_segments_analytics_next(
    open_page: Any, site: Wire, wire: Wire, write_key: str, stored: Stored
) -> None:
    umd = PACKAGES / "@segment" / "analytics-next" / "dist" / "umd"
    for file in umd.glob("*.js"):
        serve(site, f"/{file.name}", file)
    page = open_page('<script src="/index.js"></script>')
    page.evaluate(
        """async ([writeKey, apiHost]) => {
          const [analytics] = await AnalyticsNext.AnalyticsBrowser.load({
            writeKey,
            cdnSettings: { integrations: { 'Segment.io': { apiKey: writeKey, apiHost, protocol: 'http' } } }
          })
          await analytics.page('Agenda', { hall: 'A' })
          await analytics.track('Signed Up', { formId: 'vip' })
          await analytics.identify('u-1', { email: 'ann@example.com' })
        }""",
        [write_key, f"{wire.host}/v1"],
    )
    wait_for(lambda: len(wire.posts()) == 3, "page, track and identify")

    view, registration = stored(2)
    assert (view["page"], view["title"], view["properties"]["hall"]) == ("/agenda", "Agenda", "A")
    assert view["event_id"].startswith("ajs-next-")
    assert view["url"] == f"{site.url}/agenda?utm_source=mail"
    assert view["visitor_id"] == registration["visitor_id"]
    assert registration["form_id"] == "vip"
    assert [post.status for post in wire.posts()] == [200, 200, 200]
    assert "ann@example.com" not in repr([view, registration])


def test_plausibles_tracker(open_page: Any, site: Wire, wire: Wire, stored: Stored) -> None:
    serve(site, "/plausible.js", PACKAGES / "@plausible-analytics" / "tracker" / "plausible.js")
    page = open_page(f"""<script type="module">
      import {{ init, track }} from '/plausible.js'
      init({{ domain: '{DOMAIN}', endpoint: '{wire.url}/api/event', captureOnLocalhost: true }})
      window.done = new Promise(callback => track('signup', {{ props: {{ form_id: 'vip' }}, callback }}))
    </script>""")
    assert page.evaluate("window.done") == {"status": 202}
    wait_for(lambda: len(wire.posts()) == 2, "page view and sign-up")
    page.evaluate("history.pushState({}, '', '/venue')")
    wait_for(lambda: len(wire.posts()) >= 3, "the second page view")

    first, second, registration = stored(3)
    assert {first["page"], second["page"]} == {"/agenda", "/venue"}
    assert (registration["type"], registration["form_id"]) == ("registration", "vip")
    assert first["visitor_id"] == second["visitor_id"] == registration["visitor_id"]
    assert {post.status for post in wire.posts()} == {202}


def test_umamis_tracker(open_page: Any, site: Wire, wire: Wire, stored: Stored) -> None:
    serve(site, "/umami.js", PACKAGES / "umami-tracker" / "index.js")
    page = open_page(
        f'<script defer src="/umami.js" data-website-id="{WEBSITE}" data-host-url="{wire.url}"></script>'
    )
    wait_for(lambda: len(wire.posts()) == 1, "the page view")
    page.wait_for_load_state("networkidle")  # the tracker has read the answer
    page.evaluate("umami.track('signup', { form_id: 'vip' })")
    wait_for(lambda: len(wire.posts()) == 2, "the sign-up")

    view, registration = stored(2)
    assert (view["page"], view["title"]) == ("/agenda", "Agenda")
    assert (registration["type"], registration["form_id"]) == ("registration", "vip")
    assert view["visitor_id"] == registration["visitor_id"]
    assert [post.status for post in wire.posts()] == [200, 200]
    # What we answered came back, past a preflight that allowed it.
    assert "x-umami-cache" in {name.lower() for name in wire.posts()[1].headers}


def test_a_beacon_with_cookies_and_a_blob_of_json_arrives(open_page: Any, wire: Wire, stored: Stored) -> None:
    page = open_page("")
    page.evaluate(
        """address => {
          const event = { type: 'page_view', conference_id: 'test', page: '/by-beacon', event_id: 'beacon' }
          const blob = new Blob([JSON.stringify({ events: [event] })], { type: 'application/json' })
          if (!navigator.sendBeacon(address, blob)) throw new Error('refused')
        }""",
        f"{wire.url}/api/analytics/events",
    )
    (view,) = stored(1)
    assert (view["event_id"], view["page"]) == ("beacon", "/by-beacon")
    preflight = next(exchange for exchange in wire.exchanges if exchange.method == "OPTIONS")
    assert preflight.status == 204
