"""The event page of the real system in Chromium, with JavaScript and without."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.support.system import System
from tests.webapi.browser import Visitor, day_figures, wait_for

pytestmark = pytest.mark.processes


@pytest.fixture
def open_page(chromium: Browser, real: System, conference: str) -> Iterator[Callable[..., Any]]:
    """Opens the conference's page, or another address, as a new visitor. No page may report a problem."""
    contexts, problems = [], []
    ours = (real.url, real.url.replace("127.0.0.1", "localhost"), "data:")  # PUBLIC_URL has the name

    def make(address: str = "", **options: Any) -> Any:
        contexts.append(chromium.new_context(**options))
        contexts[-1].on("weberror", lambda error: problems.append(str(error.error)))
        page = contexts[-1].new_page()
        page.on("console", lambda message: message.type == "error" and problems.append(message.text))
        page.on("request", lambda sent: sent.url.startswith(ours) or problems.append(sent.url))
        page.goto(address or f"{real.url}/conf/{conference}")
        return page

    yield make
    for context in contexts:
        context.close()
    assert problems == []


def register(page: Any, name: str) -> None:
    page.get_by_label("Name").fill(name)
    page.get_by_label("Mail").fill(f"{name.lower()}@example.com")
    page.locator("form button[type=submit]").click()
    page.get_by_role("heading", name="You are registered").wait_for()


def credits_of(real: System, conference: str, expected: int) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        found: dict[str, Any] = real.get("/api/sharing/conversions", conference_id=conference)
        return found if found["totals"]["credits"] == expected and found["results"] else None

    return wait_for(look, "the credits", seconds=40)


def kinds_of(found: dict[str, Any]) -> list[str]:
    return [credit["kind"] for credit in found["results"][0]["credits"]]


def test_a_copied_and_a_forwarded_address_are_credited(
    open_page: Callable[..., Any], real: System, conference: str
) -> None:
    page_of_a = open_page(permissions=["clipboard-read", "clipboard-write"])
    page_of_a.get_by_role("button", name="Bring someone along").click()
    page_of_a.get_by_role("button", name="Copy").click()
    page_of_a.get_by_text("Copied", exact=True).wait_for()
    link = page_of_a.evaluate("navigator.clipboard.readText()")
    page_of_a.evaluate("meeteasy.flush()")

    page_of_b = open_page(link)
    forwarded = page_of_b.evaluate("location.href")
    page_of_b.evaluate("meeteasy.flush()")
    assert "_s=" in forwarded
    assert forwarded != link

    page_of_c = open_page(forwarded)
    register(page_of_c, "Carol")
    page_of_c.evaluate("meeteasy.flush()")

    found = credits_of(real, conference, 2)
    assert kinds_of(found) == ["direct", "assisted"]
    # Three visitors, and the page after the form.
    expected = {"pv": 4, "uv": 3, "registrations": 1, "shares": 2, "share_conversions": 1}
    wait_for(lambda: day_figures(real, conference) == expected, "the day's figures", seconds=40)


def test_a_description_becomes_a_page_that_registers_and_credits(
    open_page: Callable[..., Any], real: System, conference: str
) -> None:
    real.start("pages", "email")
    real.run_code(
        "from django.contrib.auth.models import User\n"
        "u = User.objects.get(username='organizer'); u.set_password('a-long-password'); u.save()"
    )
    console = f"{real.url}/console/c/{conference}"
    organizer = open_page(f"{real.url}/accounts/login/?next=/console/c/{conference}/page/en/", locale="en")
    organizer.fill("[name=username]", "organizer")
    organizer.fill("[name=password]", "a-long-password")
    organizer.keyboard.press("Enter")
    organizer.get_by_label("Describe the page").fill("An evening about open events.\n\nBring a friend.")
    organizer.get_by_role("button", name="Generate").click()
    lead = organizer.get_by_label("Sentence below the name")
    expect(lead).to_have_value("An evening about open events.", timeout=30_000)  # it came by itself

    lead.fill("An evening for everybody.")
    organizer.get_by_label("How to get there").focus()
    organizer.keyboard.press("Alt+ArrowUp")
    expect(organizer.get_by_role("button", name="Move “When and where” up")).to_be_focused()
    expect(lead).to_have_value("An evening for everybody.")
    organizer.get_by_role("button", name="Save and publish").click()
    expect(organizer.get_by_text("Published. Visitors see revision 2.")).to_be_visible()
    preview = organizer.frame_locator("iframe.preview")
    expect(preview.locator(".lead")).to_have_text("An evening for everybody.")
    organizer.goto(f"{console}/live/")
    expect(organizer.locator("#status[data-state=live]")).to_be_visible()

    page_of_a = open_page()
    expect(page_of_a.locator(".lead")).to_have_text("An evening for everybody.")
    link = page_of_a.evaluate("meeteasy.createShareLink({ channel: 'mail' })")
    page_of_a.evaluate("meeteasy.flush()")
    page_of_b = open_page(link)
    forwarded = page_of_b.evaluate("location.href")
    page_of_b.evaluate("meeteasy.flush()")
    page_of_c = open_page(forwarded)
    register(page_of_c, "Carol")
    page_of_c.evaluate("meeteasy.flush()")

    expect(organizer.locator("#alerts")).to_contain_text("Carol registered", timeout=20_000)
    assert kinds_of(credits_of(real, conference, 2)) == ["direct", "assisted"]
    expected = {"pv": 4, "uv": 3, "registrations": 1, "shares": 2, "share_conversions": 1}
    wait_for(lambda: day_figures(real, conference) == expected, "the day's figures", seconds=40)
    count = (
        "from analytics.models import Event; from conferences.models import Registration; "
        f"print(*(m.objects.filter(conference_id='{conference}', **f).count() "
        "for m, f in ((Registration, {}), (Event, {'type': 'registration'}))))"
    )
    assert real.run_code(count).split() == ["1", "1"]
    wait_for(
        lambda: organizer.goto(f"{real.url}/dev/mailbox") and "carol@" in organizer.content(), "the mail"
    )


def test_a_shown_link_is_shared_once_opened(
    open_page: Callable[..., Any], real: System, conference: str
) -> None:
    page = open_page()
    page.get_by_role("button", name="Bring someone along").click()
    picture = page.locator('[data-qr][src*="_s="]')
    code = str(picture.get_attribute("src")).partition("_s=")[2]
    assert len(code) == 16
    page.evaluate("meeteasy.flush()")
    wait_for(lambda: day_figures(real, conference)["pv"] == 1, "the page view", seconds=40)
    assert day_figures(real, conference)["shares"] == 0

    opened = open_page(f"{real.url}/conf/{conference}?_s={code}")
    opened.evaluate("meeteasy.flush()")
    wait_for(lambda: day_figures(real, conference)["shares"] == 1, "the share", seconds=40)


def test_without_javascript_the_page_registers_and_credits(
    open_page: Callable[..., Any], real: System, conference: str
) -> None:
    page_of_a = open_page()
    link = page_of_a.evaluate("meeteasy.createShareLink({ channel: 'mail' })")
    page_of_a.evaluate("meeteasy.flush()")

    page = open_page(link, java_script_enabled=False)
    page.get_by_role("button", name="Bring someone along").click()
    assert page.get_by_role("textbox", name="Your link").is_visible()
    page.get_by_role("button", name="Close").click()
    register(page, "Dora")

    assert kinds_of(credits_of(real, conference, 1)) == ["direct"]
    wait_for(lambda: day_figures(real, conference)["registrations"] == 1, "the registration", seconds=40)


def test_where_the_sdk_is_blocked_the_page_shares_and_registers(
    new_visitor: Callable[..., Visitor], real: System, conference: str
) -> None:
    visitor = new_visitor(permissions=["clipboard-read", "clipboard-write"])
    visitor.context.route("**/meeteasy*.js", lambda route: route.abort())
    address = f"{real.url}/conf/{conference}"
    page = visitor.open(address)
    assert page.evaluate("window.meeteasy") is None
    page.get_by_role("button", name="Bring someone along").click()
    page.get_by_role("button", name="Copy").click()
    page.get_by_text("Copied", exact=True).wait_for()
    assert page.evaluate("navigator.clipboard.readText()").endswith(f"/conf/{conference}")
    page.get_by_role("button", name="Close").click()
    page.get_by_role("button", name="Do not count me").click()
    assert page.evaluate("Object.keys(localStorage)") == ["meeteasy:optout"]
    register(page, "Frank")
    assert visitor.errors == []


def test_the_form_can_be_sent_by_keyboard_alone(
    open_page: Callable[..., Any], real: System, conference: str
) -> None:
    page = open_page()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.get_by_label("Name").focus()
    page.keyboard.type("Eve")
    page.keyboard.press("Tab")
    page.keyboard.type("not an address@")
    page.keyboard.press("Enter")
    page.get_by_label("Mail").fill("eve@example.com")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="You are registered").wait_for()


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_nothing_scrolls_sideways_on_a_narrow_phone(
    open_page: Callable[..., Any], real: System, conference: str, language: str
) -> None:
    page = open_page(viewport={"width": 320, "height": 640})
    page.goto(f"{real.url}/conf/{conference}?lang={language}")
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    page.locator("[popovertarget=share]").first.click()
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


def test_opting_out_stops_counting(open_page: Callable[..., Any], real: System, conference: str) -> None:
    page = open_page()
    page.get_by_role("button", name="Do not count me").click()
    assert page.get_by_role("button", name="You are not counted any more.").is_disabled()
    assert page.evaluate("Object.keys(localStorage)") == ["meeteasy:optout"]


def test_hostile_text_loads_nothing_and_violates_no_policy(
    open_page: Callable[..., Any], real: System, conference: str
) -> None:
    """The fixture fails on every foreign request and every message of the console."""
    hostile = (
        "</script><script>alert(1)</script><img src=//evil.example/x onerror=alert(1)>"
        "<a href='javascript:alert(1)'>x</a><iframe src='data:text/html,x'></iframe>{{ 7*7 }}"
    )
    headers = {"Authorization": f"Token {real.token()}"}
    changed = real.http.patch(
        f"/api/conferences/{conference}", json={"name": hostile[:190], "tagline": hostile}, headers=headers
    )
    assert changed.status_code == 200, changed.text
    body = {"conference_id": conference, "language": "en", "prompt": hostile}
    page_id = real.http.post("/api/visuspace/pages", json=body, headers=headers).json()["id"]
    blocks = [
        {"type": "hero", "id": "h", "lead": hostile},
        {"type": "text", "id": "t", "heading": hostile[:200], "paragraphs": [hostile]},
        {"type": "faq", "id": "f", "items": [{"question": hostile[:200], "answer": hostile}]},
    ]
    path = f"/api/visuspace/pages/{page_id}"
    if "pages" not in real.processes:  # started by a test before this one
        real.start("pages")
    real.wait_for(lambda: real.get(path)["blocks"], "the draft that is made of the prompt")
    edited = real.http.patch(path, json={"blocks": blocks, "revision": 1}, headers=headers)
    assert edited.status_code == 200, edited.text
    assert real.http.post(f"{path}/publish", json={}, headers=headers).status_code == 200
    page = open_page()
    page.locator("details").first.click()
    assert page.locator(".lead").inner_text() == hostile
    assert page.locator("main img, main iframe, main a[href^=javascript]").count() == 0
