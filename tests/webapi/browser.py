"""Chromium, its visitors, and what tests ask of pages."""

import os
import shutil
import time
from collections.abc import Callable
from typing import Any, TypeVar

from playwright.sync_api import Browser, BrowserContext, Playwright

from tests.support.system import System
from tests.webapi.server import RecordingServer

_Found = TypeVar("_Found")

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


def problems_of(page: Any) -> list[dict[str, Any]]:
    """What `onError` was told."""
    found: list[dict[str, Any]] = page.evaluate("problems")
    return found


def is_empty(page: Any) -> bool:
    """Whether nothing waits any more."""
    return bool(page.evaluate("!Object.keys(localStorage).some(key => /^meeteasy:(event|claim):/.test(key))"))


def traces_of(page: Any, visitor: Visitor) -> list[Any]:
    """What the SDK left on the device."""
    stored = page.evaluate("[...Object.keys(localStorage), ...Object.keys(sessionStorage)]")
    return [*stored, *visitor.context.cookies(), *page.evaluate("indexedDB.databases()")]


def day_figures(real: System, conference: str) -> dict[str, int]:
    """The figures of a conference, added up over its days (two around midnight)."""
    days = real.get("/api/analytics/daily", conference_id=conference)["results"]
    names = ("pv", "uv", "registrations", "shares", "share_conversions")
    return {name: sum(day[name] for day in days) for name in names}
