"""A real Chromium, a server that records, and the system's own web server and workers."""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import pytest
from playwright.sync_api import Browser, BrowserContext, Playwright, sync_playwright

from tests.system import System
from tests.webapi.server import DIST, RecordingServer

_Found = TypeVar("_Found")

DIST_FILES = sorted(DIST.glob("*.js"))
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
# Not that of headless Chromium, which counts as a bot. By flag, since beacons of a page that is gone do
# without what Playwright sets for a page.
USER_AGENT = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36"
)


def wait_for(look: Callable[[], _Found], what: str, *, seconds: float = 15) -> _Found:
    """Call `look` until it returns something true, and return that."""
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds} s for {what}; last seen: {found!r}")
        time.sleep(0.02)


# Of the package, not of the session: while it runs, Playwright's event loop keeps Django's ORM from working.
@pytest.fixture(scope="package")
def playwright() -> Iterator[Playwright]:
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed (bin/test installs it as root on Debian)")
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="package")
def chromium(playwright: Playwright) -> Iterator[Browser]:
    browser = launch(playwright)
    yield browser
    browser.close()


def launch(playwright: Playwright, *flags: str) -> Browser:
    """Chromium with a user-data directory of its own."""
    return playwright.chromium.launch(
        executable_path=CHROMIUM,
        args=[*FLAGS, f"--user-agent={USER_AGENT}", *flags],
        ignore_default_args=["--disable-back-forward-cache"],  # people have it; Playwright turns it off
    )


class Visitor:
    """A browser of somebody: `page = visitor.open("/")`. What the page itself throws is in `errors`."""

    def __init__(self, context: BrowserContext, server: RecordingServer) -> None:
        self.context, self.server = context, server
        self.errors: list[str] = []
        context.on("weberror", lambda error: self.errors.append(str(error.error)))

    def open(self, address: str) -> Any:
        page = self.context.new_page()
        page.goto(address if "://" in address else self.server.url + address)
        return page


@pytest.fixture
def new_visitor(chromium: Browser, server: RecordingServer) -> Iterator[Callable[..., Visitor]]:
    """Makes visitors who share nothing with each other."""
    contexts = []

    def make(**options: Any) -> Visitor:
        contexts.append(chromium.new_context(**options))
        return Visitor(contexts[-1], server)

    yield make
    for context in contexts:
        context.close()


@pytest.fixture
def visitor(new_visitor: Callable[..., Visitor]) -> Iterator[Visitor]:
    made = new_visitor()
    yield made
    assert made.errors == []


@pytest.fixture
def server() -> Iterator[RecordingServer]:
    made = RecordingServer()
    yield made
    made.close()


@pytest.fixture(scope="package")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """The web server and the workers, as `bin/run` starts them."""
    system = System(tmp_path_factory.mktemp("webapi"))
    system.start("web", "events", "daily", "beat")
    yield system
    system.stop()


@pytest.fixture
def conference(real: System, request: pytest.FixtureRequest) -> str:
    """The id of a conference of the real system that no other test uses."""
    name = f"c{time.monotonic_ns()}"
    answer = real.http.post(
        "/api/conferences",
        json={"id": name, "name": request.node.name[:100], "time_zone": "Asia/Shanghai"},
        headers={"Authorization": f"Token {real.token()}"},
    )
    assert answer.status_code == 201, answer.text
    return name


def day_figures(real: System, conference: str) -> dict[str, int]:
    """The figures of a conference, added up over its days (two around midnight)."""
    days = real.get("/api/analytics/daily", conference_id=conference)["results"]
    names = ("pv", "uv", "registrations", "shares", "share_conversions")
    return {name: sum(day[name] for day in days) for name in names}
