"""A real Chromium, a server that records, and the system's own web server and workers."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Playwright, sync_playwright

from tests.support.system import System
from tests.webapi.browser import CHROMIUM, Visitor, launch
from tests.webapi.server import RecordingServer


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
    system.environment["DEVELOPMENT_MAILBOX"] = "true"
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
