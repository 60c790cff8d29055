"""The page of docs/sdk.md, literally, and the script under a strict Content-Security-Policy."""

import re
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from playwright.sync_api import Browser, Playwright

from tests.support.system import System
from tests.webapi.browser import Visitor, day_figures, launch, wait_for
from tests.webapi.pages import EMPTY
from tests.webapi.server import RecordingServer

pytestmark = pytest.mark.processes

DOCS = Path(__file__).resolve().parent.parent.parent / "docs" / "sdk.md"


@pytest.fixture
def chromium_of_docs(playwright: Playwright, real: System) -> Iterator[Browser]:
    """A browser for which localhost:8000 is the real system."""
    browser = launch(playwright, f"--host-resolver-rules=MAP localhost:8000 127.0.0.1:{real.port}")
    yield browser
    browser.close()


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[str]:
    """The address of a folder with the page, served as the docs say."""
    html = re.search(r"```html\n(.*?)```", DOCS.read_text(), re.DOTALL)
    assert html is not None
    (tmp_path / "page.html").write_text(html[1])
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path)))
    Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield f"http://localhost:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_the_page_of_the_docs_runs_as_it_stands(chromium_of_docs: Browser, folder: str, real: System) -> None:
    before = day_figures(real, "test")
    sharer, other = (chromium_of_docs.new_context() for _ in range(2))
    errors: list[str] = []
    for context in (sharer, other):
        context.on("weberror", lambda error: errors.append(str(error.error)))
        context.on(
            "console", lambda message: errors.append(message.text) if message.type == "error" else None
        )
    page = sharer.new_page()
    page.goto(f"{folder}/page.html")
    page.click("#share")
    link = page.inner_text("#link")
    page.goto("about:blank")

    page = other.new_page()
    page.goto(link)
    page.fill("[name=name]", "Carol")
    page.fill("[name=email]", "carol@example.com")
    page.click("text=Register")
    page.wait_for_function("document.getElementById('state').value === 'Registered'")
    page.goto("about:blank")

    def counted() -> bool:
        figures = day_figures(real, "test")
        names = ("pv", "uv", "registrations", "share_conversions")
        return [figures[name] - before[name] for name in names] == [2, 2, 1, 1]

    wait_for(counted, "the day's figures", seconds=40)
    assert [error for error in errors if "favicon" not in error and "404" not in error] == []


def test_the_page_of_the_docs_registers_those_who_block_the_script(
    chromium_of_docs: Browser, folder: str, real: System
) -> None:
    before = day_figures(real, "test")["registrations"]
    page = chromium_of_docs.new_context().new_page()
    page.route("**/meeteasy.js", lambda route: route.abort())
    page.goto(f"{folder}/page.html")
    page.click("#share")
    assert page.inner_text("#link") == f"{folder}/page.html"
    page.fill("[name=name]", "Dave")
    page.fill("[name=email]", "dave@example.com")
    page.click("text=Register")
    page.wait_for_function("document.getElementById('state').value === 'Registered'")
    wait_for(
        lambda: day_figures(real, "test")["registrations"] == before + 1, "the day's figures", seconds=40
    )


def test_a_page_out_of_a_file_runs_too(
    chromium_of_docs: Browser, tmp_path: Path, folder: str, real: System
) -> None:
    """Its address cannot be changed, and its origin shares nothing."""
    before = day_figures(real, "test")
    context = chromium_of_docs.new_context()
    errors: list[str] = []
    context.on("weberror", lambda error: errors.append(str(error.error)))
    page = context.new_page()
    page.goto(f"file://{tmp_path}/page.html?_s=A1b2C3d4E5f6G7h8")
    page.goto("about:blank")
    wait_for(lambda: day_figures(real, "test")["pv"] == before["pv"] + 1, "the page view", seconds=40)
    assert errors == []


def test_the_script_needs_nothing_that_a_strict_policy_forbids(
    visitor: Visitor, server: RecordingServer
) -> None:
    server.page_headers = {
        "content-security-policy": "default-src 'none'; script-src 'self'; connect-src 'self';"
        " base-uri 'none'; form-action 'self'; frame-ancestors 'none';"
        " require-trusted-types-for 'script'; trusted-types 'none'"
    }
    server.pages["/page.js"] = """
      window.violations = []
      addEventListener('securitypolicyviolation', event => violations.push(event.violatedDirective))
    """
    server.pages["/later.js"] = (
        "document.querySelector('button').onclick = () => meeteasy.fillForm(document.forms[0])"
    )
    server.pages["/"] = """<!doctype html><script src="/page.js"></script>
      <script src="/sdk/meeteasy.js" data-conference="test"></script>
      <form><button type=button>Fill</button></form><script src="/later.js"></script>"""
    server.pages["/elsewhere"] = EMPTY
    page = visitor.open("/?_s=A1b2C3d4E5f6G7h8")
    page.click("button")
    fields = page.eval_on_selector_all("input", "inputs => inputs.map(input => input.name)")
    violations = page.evaluate("violations")
    page.goto(server.url + "/elsewhere")

    wait_for(lambda: len(server.events) == 3, "the events")
    assert violations == []
    assert fields == ["visitor_id", "share_code"]
    assert {event["type"] for event in server.events} == {"share_open", "share", "page_view"}
