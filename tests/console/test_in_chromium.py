"""The console's main tasks in Chromium: by keyboard, without violations of accessibility, in both languages.

One system, one browser and one session for all of them.
"""

import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.support.system import System
from tests.webapi.browser import CHROMIUM, launch

pytestmark = [
    pytest.mark.processes,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed (bin/test installs it on Debian)"),
]

C = "/console/c/test/"
PAGES = [
    "/console/", C, f"{C}?range=today&figure=views", f"{C}sharing/", f"{C}sharing/?q=benB1",
    f"{C}sharing/channels/", f"{C}sharing/not-credited/", f"{C}sharing/links/adaA1/",
    f"{C}sharing/links/adaA1/poster/",
    f"{C}sharing/new/", f"{C}live/", f"{C}desk/?q=Ben", f"{C}held/", f"{C}members/", f"{C}page/en/",
    f"{C}settings/", f"{C}settings/desk/", f"{C}settings/views/", f"{C}?range=7&by=hour&filter=page:is:/",
    f"{C}panels/pages/",
    f"{C}figures/registrations/", f"{C}figures/bots/",
    f"{C}people/", f"{C}people/new/", f"{C}people/import/", f"{C}people/questions/",
    f"{C}people/new-question/", f"{C}people/exports/", f"{C}messages/", f"{C}messages/new/",
    f"{C}notifications/",
    f"{C}settings/door/", f"{C}settings/delete/", "/console/new/", "/console/password/", "/console/nothing/",
]  # fmt: skip
_OPTIONS = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
Open = Callable[..., Page]


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A system whose conference `test` has a branch: Ada shared, Ben came by her and shared on."""
    system = System(tmp_path_factory.mktemp("console"))
    system.start("web", "events", "daily", "beat")
    system.run_code(
        "from django.contrib.auth.models import User\n"
        "u = User.objects.get(username='organizer'); u.set_password('a-long-password'); "
        "u.email = 'organizer@example.com'; u.save()"
    )
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 60))
    of = {"conference_id": "test", "ts": now}
    system.post(
        [
            {"type": "page_view", "page": "/", "visitor_id": "ada", **of},
            {"type": "share", "share_code": "adaA1", "channel": "wechat", "visitor_id": "ada", **of},
            {"type": "share_open", "share_code": "adaA1", "visitor_id": "ben", **of},
        ]
    )
    register(system, "Ada Amsel", "ada")
    register(system, "Ben Bach", "ben")
    system.post(
        [{"type": "share", "share_code": "benB1", "parent_share_code": "adaA1", "visitor_id": "ben", **of}]
    )
    token = system.token()

    def is_ready() -> bool:
        roots = system.get("/api/sharing/tree", conference_id="test", depth=2, token=token)["results"]
        return bool(roots) and roots[0]["direct"] == 1 and roots[0]["child_count"] == 1

    system.wait_for(is_ready, "the tree")
    today = now[:10]  # the conference is in UTC
    system.wait_for(
        lambda: system.get("/api/analytics/daily", conference_id="test", **{"from": today, "to": today})[
            "results"
        ],
        "the summary of the day",
    )
    yield system
    system.stop()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = launch(playwright)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def session(console: System, chromium: Browser) -> Any:
    """The cookies of somebody who signed in."""
    context = chromium.new_context(base_url=console.url)
    sign_in(context.new_page())
    cookies = context.storage_state()
    context.close()
    return cookies


def sign_in(page: Page) -> None:
    page.goto("/accounts/login/")
    page.fill("[name=username]", "organizer")
    page.fill("[name=password]", "a-long-password")
    page.keyboard.press("Enter")
    page.wait_for_url("**/console/")


@pytest.fixture
def open_page(console: System, chromium: Browser, session: Any) -> Iterator[Open]:
    """`open_page("/console/", locale="zh-CN")` is a page of somebody who signed in; errors fail the test."""
    contexts: list[BrowserContext] = []
    errors: list[str] = []

    def open_for(path: str, **options: Any) -> Page:
        context = chromium.new_context(base_url=console.url, **{"storage_state": session, **options})
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on(
            "console", lambda entry: errors.append(entry.text) if "Content Security" in entry.text else None
        )
        page.goto(path)
        return page

    yield open_for
    for context in contexts:
        context.close()
    assert errors == []


def register(system: System, name: str, visitor: str) -> None:
    answer = system.http.post(
        "/api/conferences/test/registrations",
        json={"name": name, "email": f"{visitor}@example.com", "visitor_id": visitor},
    )
    assert answer.status_code == 201, answer.text


@pytest.mark.parametrize(
    ("width", "scheme", "locale"), [(1280, "light", "en"), (360, "dark", "zh-CN")], ids=["wide", "phone"]
)
def test_no_page_violates_accessibility_or_scrolls_sideways(
    open_page: Open, width: int, scheme: str, locale: str
) -> None:
    page = open_page(
        "/console/", viewport={"width": width, "height": 800}, color_scheme=scheme, locale=locale,
        bypass_csp=True,
    )  # fmt: skip
    found = []
    for path in PAGES:
        page.goto(path)
        results = Axe().run(page, options=_OPTIONS)
        found += [(path, item["id"], item["nodes"][0]["html"]) for item in results.response["violations"]]
        if page.evaluate("document.documentElement.scrollWidth") > width:
            found.append((path, "scrolls sideways", ""))
    assert found == []


def test_pages_fit_320_pixels(open_page: Open) -> None:
    page = open_page("/console/", viewport={"width": 320, "height": 640})
    wide = []
    for path in PAGES:
        page.goto(path)
        if page.evaluate("document.documentElement.scrollWidth") > 320:
            wide.append(path)
    assert wide == []


def test_the_tree_is_opened_and_walked_by_keyboard(open_page: Open) -> None:
    page = open_page(f"{C}sharing/?open=")
    rows = page.locator('[role="treegrid"] [role="row"][aria-level]')
    expect(rows).to_have_count(1)
    rows.first.focus()
    page.keyboard.press("ArrowRight")
    expect(rows).to_have_count(2)
    expect(rows.first).to_be_focused()
    expect(rows.first).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("ArrowDown")
    expect(rows.nth(1)).to_be_focused()
    page.keyboard.press("ArrowLeft")
    expect(rows.first).to_be_focused()
    page.keyboard.press("ArrowLeft")
    expect(rows).to_have_count(1)
    page.keyboard.press("Enter")
    page.wait_for_url("**/sharing/links/adaA1/")
    expect(page.locator("h1")).to_contain_text("Ada Amsel")


def test_slash_reaches_the_search_that_opens_paths(open_page: Open) -> None:
    page = open_page(f"{C}sharing/?open=")
    page.keyboard.press("/")
    page.keyboard.type("bach")
    page.keyboard.press("Enter")
    expect(page.locator("mark")).to_have_text("Ben Bach")
    assert "q=bach" in page.url


def test_figures_are_there_without_scripts(open_page: Open) -> None:
    page = open_page(f"{C}?range=today", java_script_enabled=False)
    expect(page.locator(".tiles")).to_contain_text("Registrations")
    expect(page.locator("svg.chart .bar").first).to_be_visible()
    page.goto(f"{C}sharing/?open=")
    page.locator(".toggle").first.click()
    expect(page.locator('[role="row"][aria-level="2"]')).to_have_count(1)


def test_live_reaches_two_browsers_in_two_languages(console: System, open_page: Open) -> None:
    english = open_page(f"{C}live/")
    chinese = open_page(f"{C}live/", locale="zh-CN")
    for page in (english, chinese):
        expect(page.locator("#status[data-state=live]")).to_be_visible()
    before = int(english.locator('[data-figure="attendance.registered"]').inner_text())
    register(console, "Late Lisa", "lisa")
    expect(english.locator("#alerts")).to_contain_text("Late Lisa registered")
    expect(chinese.locator("#alerts")).to_contain_text("Late Lisa")
    expect(chinese.locator("h1")).to_have_text("实时")
    for page in (english, chinese):
        expect(page.locator('[data-figure="attendance.registered"]')).to_have_text(str(before + 1))


def test_a_conference_is_made_by_keyboard(open_page: Open) -> None:
    page = open_page("/console/new/")
    page.get_by_label("Name", exact=True).focus()
    page.keyboard.type("By keyboard")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.type("Europe/Berlin")
    page.keyboard.press("Enter")
    page.wait_for_url("**/c/by-keyboard/settings/")
    expect(page.get_by_role("status")).to_contain_text("By keyboard")


def test_the_overview_is_filtered_by_keyboard(open_page: Open) -> None:
    page = open_page(f"{C}?range=today")
    entries = page.get_by_role("radio", name="Entry pages")
    page.get_by_role("radio", name="Pages", exact=True).focus()
    page.keyboard.press("ArrowRight")
    expect(entries).to_be_checked()
    page.locator(".panel-2 li a").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**filter=entry_page**")
    expect(page.locator(".chip")).to_contain_text("Entry pages")
    page.get_by_role("link", name="Remove the filter").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".chip")).to_have_count(0)
    assert "filter" not in page.url


def test_the_charts_table_is_reached_and_opened_by_tab_and_enter(open_page: Open) -> None:
    page = open_page(f"{C}?range=7")
    table = page.locator(".as-table").first
    summary = table.locator("summary")
    for _ in range(120):
        page.keyboard.press("Tab")
        if summary.evaluate("element => element === document.activeElement"):
            break
    expect(summary).to_be_focused()
    page.keyboard.press("Enter")
    rows = table.locator("tbody tr")
    expect(rows).to_have_count(7)
    named = page.locator("svg.chart[role=img]").first.get_attribute("aria-label")
    assert named is not None
    assert "The table below says the same" in named
    page.keyboard.press("Tab")
    expect(rows.locator("a").first).to_be_focused()
    opened = str(rows.locator("a").first.evaluate("link => link.href"))
    page.keyboard.press("Enter")
    page.wait_for_url(opened)


def test_the_menu_signs_out(open_page: Open) -> None:
    page = open_page("/", storage_state=None)
    sign_in(page)
    page.locator(".me").focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Sign out").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/accounts/login/")


def test_people_are_chosen_by_keyboard_and_written_to(open_page: Open) -> None:
    page = open_page(f"{C}people/?q=Ada")
    expect(page.locator(".bulk")).to_be_hidden()
    page.get_by_label("Choose Ada Amsel").focus()
    page.keyboard.press("Space")
    expect(page.locator("[data-pick-count]")).to_have_text("1")
    page.get_by_role("button", name="Write").focus()
    page.keyboard.press("Enter")
    page.fill("[name=subject-en]", "Doors open")
    page.fill("[name=body-en]", "Dear {name},\n\ncome in.")
    page.keyboard.press("Tab")
    page.get_by_role("button", name="Save and look at it").press("Enter")
    expect(page.frame_locator("iframe").get_by_text("Dear Ada Amsel,")).to_be_visible()
    expect(page.get_by_role("heading", name="Goes to 1 address")).to_be_visible()


class Task(NamedTuple):
    """What a page is for. typed: by field. says: what the page answers, in the reader's language."""

    path: str
    typed: dict[str, str]
    button: str
    says: str
    locale: str = "en"


TASKS = {
    "settings": Task("settings/", {"venue": "Hall 3"}, "Save settings", "Settings saved."),
    "settings of the desk": Task("settings/desk/", {"gates": "East"}, "保存", "East", "zh-CN"),
    "a member": Task("members/", {"email": "m@example.com"}, "Send invitation", "goes to m@example.com"),
    "a key": Task("settings/keys/", {"name": "Ticket shop"}, "Make key", "Ticket shop"),
    "a question": Task(
        "people/new-question/", {"label-en": "Your meal?"}, "保存", "问题已保存，报名表现已包含。", "zh-CN"
    ),
    "a person": Task(
        "people/new/", {"name": "Paula Pohl", "email": "p@example.com"}, "添加", "已添加 Paula Pohl。",
        "zh-CN",
    ),
    "a campaign link": Task("sharing/new/", {"label": "Gate 3"}, "创建链接", "链接已创建。", "zh-CN"),
    "the digest": Task("settings/digest/", {"period": " "}, "Save", "The digest comes by mail."),
    "retention": Task(
        "settings/retention/", {"keep_events_days": "400"}, "Show what would be deleted", "Set it"
    ),
    "who may send": Task("settings/door/", {"blocked_pages": "/preview/*"}, "Save", "Saved. It takes effect"),
}  # fmt: skip


@pytest.mark.parametrize("name", TASKS)
def test_a_pages_task_is_done_by_keyboard(open_page: Open, name: str) -> None:
    task = TASKS[name]
    page = open_page(C + task.path, locale=task.locale)
    for field, text in task.typed.items():
        page.locator(f"main [name='{field}']").last.focus()  # of radio buttons, the last
        page.keyboard.type(text)
    page.locator("main").get_by_role("button", name=task.button, exact=True).focus()
    page.keyboard.press("Enter")
    expect(page.locator("body")).to_contain_text(task.says)


def test_a_conference_is_copied_archived_and_deleted_by_keyboard(open_page: Open) -> None:
    page = open_page(f"{C}settings/copy/", locale="zh-CN")
    page.locator("[name=name]").focus()
    page.keyboard.press("Control+A")
    page.keyboard.type("Copied")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("已复制创建 Copied。")
    page.get_by_role("button", name="归档").press("Enter")
    expect(page.get_by_role("status")).to_contain_text("会议已归档。")
    page.get_by_role("link", name="删除").press("Enter")
    short_name = page.url.partition("/c/")[2].partition("/")[0]
    page.locator("[name=confirm]").focus()
    page.keyboard.type(short_name)
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("Copied")
    assert page.url.endswith("/console/")


def test_a_voided_campaign_link_and_its_poster_by_keyboard(open_page: Open) -> None:
    page = open_page(f"{C}sharing/new/")
    page.locator("[name=label]").focus()
    page.keyboard.type("Bought clicks")
    page.keyboard.press("Enter")
    page.locator("#why-link").focus()
    page.keyboard.type("a test")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("It does not count any more.")
    page.get_by_role("link", name="Poster").press("Enter")
    expect(page.get_by_role("img", name="QR code of the link")).to_be_visible()


def test_a_read_only_link_shows_figures_to_anybody(open_page: Open) -> None:
    page = open_page(f"{C}settings/views/")
    page.locator("[name=name]").focus()
    page.keyboard.type("Sponsors")
    page.keyboard.press("Enter")
    address = page.locator("#new-view").input_value()
    anybody = open_page(address, storage_state=None, locale="zh-CN")
    expect(anybody.locator(".tiles")).to_contain_text("访客")
    expect(anybody.locator("body")).not_to_contain_text("Ada Amsel")


def test_a_person_is_checked_in_and_erased_by_keyboard(console: System, open_page: Open) -> None:
    register(console, "Erika Erb", "erika")
    page = open_page(f"{C}people/?q=Erika")
    page.get_by_role("link", name="Erika Erb").press("Enter")
    page.get_by_role("button", name="Check in").press("Enter")
    expect(page.get_by_role("status")).to_contain_text("Erika Erb is checked in.")
    page.get_by_role("button", name="Undo").press("Enter")
    expect(page.get_by_role("status")).to_contain_text("The check-in was undone.")
    page.get_by_role("link", name="Erase").press("Enter")
    page.get_by_role("button", name="Erase for good").press("Enter")
    expect(page.get_by_role("status")).to_contain_text("Erika Erb was erased.")


def test_phones_list_one_thing_at_a_time(open_page: Open) -> None:
    page = open_page(f"{C}?range=today", viewport={"width": 360, "height": 800}, locale="zh-CN")
    expect(page.get_by_role("heading", name="谁带来的")).to_be_visible()
    page.get_by_role("radio", name="谁带来的").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator(".list-1")).to_be_visible()
    expect(page.get_by_role("heading", name="谁带来的")).to_be_hidden()
