"""The check-in desk in Chromium: a scanner's keys, a camera's picture, the keyboard alone, and no network.

One system and one browser, whose camera shows a foreign code and the badge of the last guest by turns.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import segno
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.support.system import System
from tests.webapi.browser import CHROMIUM, launch

pytestmark = [
    pytest.mark.processes,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed (bin/test installs it on Debian)"),
]

DESK = "/console/c/test/desk/"
GUESTS = 64
_FILL = """
import datetime as dt, json
from django.contrib.auth.models import User
from django.utils import timezone
from conferences import badges
from conferences.models import Conference, Registration
user = User.objects.get(username="organizer"); user.set_password("a-long-password"); user.save()
conference = Conference.objects.get(id="test")
rows = [
    Registration(
        conference=conference, name=f"Guest {{n:02}}", email=f"g{{n}}@example.com", state="approved",
        source="import", registered_at=timezone.now() - dt.timedelta(days=1), search_text=f"guest {{n:02}}",
    )
    for n in range({guests})
]
Registration.objects.bulk_create(rows)
print(json.dumps([badges.make_code(row) for row in rows]))
"""
_COUNT = """
import json
from django.utils import timezone
from conferences.models import CheckIn, Conference, Passage
from conferences.selectors.desk import count_door
counts = count_door(Conference.objects.get(id="test"), now=timezone.now())
active = CheckIn.objects.filter(undone_at=None)
print(json.dumps([
    active.count(), counts.inside, sum(counts.gates.values()),
    dict(active.values_list("registration__name", "gate")),
]))
"""
_EMPTY = """
from conferences.models import CheckIn, IdempotencyKey, Passage
Passage.objects.all().delete(); CheckIn.objects.all().delete(); IdempotencyKey.objects.all().delete()
print()
print("done")
"""
_OWN_PAGE = """
from conferences import participants
from conferences.models import Registration
found = Registration.objects.get(name="Guest 62")
Registration.objects.filter(pk=found.pk).update(visitor_id="guest-62")
print("/conf/" + participants.make_url(found).partition("/conf/")[2])
"""
_STEWARD = """
from django.contrib.auth.models import User
from conferences.models import Conference, Member
user, made = User.objects.get_or_create(username="stella")
if made:
    user.set_password("a-long-password"); user.save()
Member.objects.get_or_create(conference_id="test", user=user, defaults={"role": "steward"})
print("done")
"""
_DISMISS = """
from conferences.models import Member
print(Member.objects.filter(user__username="stella").delete()[0])
"""
_SCANNED = """
import json
from conferences.models import Passage
print(json.dumps(sorted(Passage.objects.values_list("registration__name", "scanned_by__username"))))
"""
# How many lists, and scans by state, the browser keeps.
_STORED = """() => new Promise((resolve, reject) => {
  const request = indexedDB.open('meeteasy-desk', 1)
  request.onerror = () => reject(request.error)
  request.onsuccess = () => {
    const transaction = request.result.transaction(['lists', 'scans'])
    const lists = transaction.objectStore('lists').getAll(), scans = transaction.objectStore('scans').getAll()
    transaction.oncomplete = () => {
      request.result.close()
      resolve([lists.result.length, scans.result.map(scan => `${scan.state} ${scan.by}`).sort()])
    }
  }
})"""
_KEPT = "caches.open('meeteasy-desk:/console/c/test/desk/').then(cache => cache.keys())"


@dataclass
class Door:
    system: System
    codes: list[str]

    def run(self, code: str) -> str:
        return str(self.system.manage("shell", "-v", "0", "-c", code)).strip().splitlines()[-1]


def film(codes: list[str], path: Path) -> None:
    """Write a film as YUV4MPEG2, 640 by 480: each code is held before the camera for four seconds."""
    width, height = 640, 480
    frames = []
    for code in codes:
        matrix = list(segno.make(code, error="m", micro=False).matrix_iter(scale=6, border=4))
        top, left = (height - len(matrix)) // 2, (width - len(matrix[0])) // 2
        luma = [bytearray(b"\xc0" * width) for _ in range(height)]
        for y, row in enumerate(matrix):
            luma[top + y][left : left + len(row)] = bytes(16 if dark else 235 for dark in row)
        frames += [b"FRAME\n" + b"".join(luma) + b"\x80" * (width * height // 2)] * 8
    header = f"YUV4MPEG2 W{width} H{height} F2:1 Ip A1:1 C420jpeg\n"
    path.write_bytes(header.encode() + b"".join(frames))


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    system = System(tmp_path_factory.mktemp("desk"))
    system.start("web")
    made = Door(system, [])
    made.codes = json.loads(made.run(_FILL.format(guests=GUESTS)))
    yield made
    system.stop()


@pytest.fixture(scope="module")
def chromium(door: Door, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    badge = tmp_path_factory.mktemp("camera") / "badge.y4m"
    film(["https://elsewhere.example/1234567", door.codes[-1]], badge)
    with sync_playwright() as playwright:
        browser = launch(
            playwright, "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
            f"--use-file-for-fake-video-capture={badge}",
        )  # fmt: skip
        yield browser
        browser.close()


@pytest.fixture
def sign_in(door: Door, chromium: Browser) -> Iterator[Callable[..., BrowserContext]]:
    """`sign_in()` is a browser of somebody who signed in; nobody has passed the door yet."""
    assert door.run(_EMPTY) == "done"
    expect.set_options(timeout=20_000)  # other work may share the machine
    contexts: list[BrowserContext] = []
    errors: list[str] = []

    def open_for(name: str = "organizer", **options: object) -> BrowserContext:
        context = chromium.new_context(base_url=door.system.url, **options)  # type: ignore[arg-type]
        contexts.append(context)
        context.on("weberror", lambda error: errors.append(str(error.error)))
        sign_in_as(context, name)
        return context

    yield open_for
    for context in contexts:
        context.close()
    expect.set_options(timeout=5_000)
    assert errors == []


def sign_in_as(context: BrowserContext, name: str) -> None:
    page = context.new_page()
    page.goto("/accounts/login/")
    page.fill("[name=username]", name)
    page.fill("[name=password]", "a-long-password")
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "/accounts/login" not in url)
    page.close()


def sign_out(page: Page) -> None:
    page.locator("form[action='/accounts/logout/']").evaluate("form => form.requestSubmit()")
    page.wait_for_url("**/accounts/login/**")
    page.wait_for_selector("html[data-forgotten]", state="attached")


def wait_until_ready_for_no_network(page: Page) -> None:
    page.wait_for_selector(f'[data-desk][data-listed="{GUESTS}"]')
    page.wait_for_function(f"{_KEPT}.then(kept => kept.length >= 9)")


def open_desk(context: BrowserContext, *, gate: str = "") -> Page:
    page = context.new_page()
    page.goto(DESK)
    page.wait_for_selector("[data-desk][data-ready]")
    if gate:
        page.locator("[data-gate]").fill(gate)
        page.locator("[data-gate]").press("Tab")
        page.locator("[data-form] input").focus()
    return page


def scan(page: Page, code: str, *, name: str = "", outcome: str = "welcome") -> None:
    """Scan as fast as the page takes it, and wait for its answer."""
    page.keyboard.insert_text(code)
    page.keyboard.press("Enter")
    expect(page.locator("[data-result]")).to_have_attribute("data-outcome", outcome)
    if name:
        expect(page.locator("[data-result] .name")).to_have_text(name)


def test_scanner_camera_and_keyboard_let_people_in(
    door: Door, sign_in: Callable[..., BrowserContext]
) -> None:
    page = open_desk(sign_in(), gate="East")
    field, result = page.locator("[data-form] input"), page.locator("[data-result]")

    page.keyboard.type(
        f"]Q1{door.codes[60]}", delay=20
    )  # a scanner's keys, and the prefix that it puts there
    page.keyboard.press("Enter")
    expect(result).to_have_attribute("data-outcome", "welcome")
    expect(result).to_contain_text("Guest 60")
    expect(field).to_have_value("")
    expect(field).to_be_focused()
    scan(page, door.codes[60], outcome="already")
    expect(result).to_contain_text("East")
    scan(page, "https://elsewhere.example/123456", outcome="unknown")

    # The camera goes on after a code that is none of ours, and sees both again.
    page.locator("[data-camera-button]").click()
    scans = page.locator("[data-scans] li")
    for outcome, name in (("unknown", "elsewhere"), ("welcome", "Guest 63"), ("already", "Guest 63")):
        row = page.locator(f'[data-scans] li[data-outcome="{outcome}"]', has_text=name)
        expect(row.first).to_be_visible(timeout=40_000)
    page.locator("[data-camera-button]").click()
    expect(page.locator("[data-camera]")).to_be_hidden()

    # By the keyboard alone: a name, an arrow, Enter; then Undo.
    field.focus()
    page.keyboard.type("guest 61")
    page.keyboard.press("Enter")
    expect(page.locator("[data-people] .row")).to_have_count(1)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(result).to_have_attribute("data-outcome", "welcome")
    expect(result).to_contain_text("Guest 61")
    expect(field).to_be_focused()
    expect(page.locator("[data-count=inside]")).to_have_text("3")
    page.keyboard.press("Shift+Tab")
    expect(page.locator("[data-acts] button")).to_be_focused()
    page.keyboard.press("Enter")
    expect(scans.first).to_have_attribute("data-state", "undone")
    expect(page.locator("[data-count=inside]")).to_have_text("2")

    page.get_by_text("Exit", exact=True).click()
    scan(page, door.codes[60], outcome="goodbye")
    page.reload()
    expect(page.locator("[data-gate]")).to_have_value("East")
    expect(scans.first).to_contain_text("Guest 60")


def test_two_desks_without_network_count_exactly(door: Door, sign_in: Callable[..., BrowserContext]) -> None:
    """Fifty scans at each of two desks, thirty of them of the same badges, and a tab that is closed."""
    contexts = {gate: sign_in() for gate in ("North", "South")}
    pages = {gate: open_desk(context, gate=gate) for gate, context in contexts.items()}
    for page in pages.values():
        wait_until_ready_for_no_network(page)
    door.system.kill("web")

    north, south = pages["North"], pages["South"]
    for number in range(25):
        scan(north, door.codes[number])
    expect(north.locator("[data-notice]")).to_contain_text("25")
    north.close()
    north = open_desk(contexts["North"])
    expect(north.locator("[data-gate]")).to_have_value("North")
    expect(north.locator("[data-notice]")).to_contain_text("25")
    scan(north, door.codes[0], outcome="already")
    for number in range(25, 29):
        scan(north, door.codes[number])
    for number in range(9, 59):  # 9 to 28 are in by the northern gate already; this desk cannot know
        scan(south, door.codes[number])
    expect(north.locator("[data-notice]")).to_contain_text("30")
    expect(south.locator("[data-notice]")).to_contain_text("50")
    expect(south.locator("[data-result].queued")).to_be_visible()

    door.system.start("web")
    for page in (south, north):  # who was later is the first to send
        expect(page.locator("[data-notice]")).to_be_hidden(timeout=60_000)
    active, inside, entries, gates = json.loads(door.run(_COUNT))
    assert (active, inside, entries) == (59, 59, 59)
    assert {gates[f"Guest {number:02}"] for number in range(29)} == {"North"}
    assert {gates[f"Guest {number:02}"] for number in range(29, 59)} == {"South"}
    # The other desk learns that it was not the first.
    south.reload()
    expect(south.locator("[data-count=gate]")).to_have_text("30")
    north.close()


def test_scans_wait_for_whoever_made_them_and_the_list_goes_with_the_session(
    door: Door, sign_in: Callable[..., BrowserContext]
) -> None:
    assert door.run(_STEWARD) == "done"
    context = sign_in()
    page = open_desk(context)
    wait_until_ready_for_no_network(page)
    scan(page, door.codes[0])
    door.system.kill("web")
    for number in (1, 2):
        scan(page, door.codes[number])
    expect(page.locator("[data-scans] li[data-state=queued]")).to_have_count(2)
    name = page.locator("[data-desk]").get_attribute("data-by")
    page.close()  # before it could send them
    door.system.start("web")

    page = context.new_page()
    page.goto("/console/")
    assert page.evaluate(_STORED) == [1, [f"queued {name}", f"queued {name}", f"sent {name}"]]
    sign_out(page)
    assert page.evaluate(_STORED) == [0, [f"queued {name}", f"queued {name}"]]
    assert page.evaluate("caches.keys()") == []
    page.close()

    sign_in_as(context, "stella")
    page = open_desk(context)
    expect(page.locator("[data-notice]")).to_contain_text(
        f"Scans of {name} that wait here until they sign in: 2"
    )
    expect(page.locator("[data-scans] li[data-state]")).to_have_count(0)
    scan(page, door.codes[3])
    assert json.loads(door.run(_SCANNED)) == [["Guest 00", "organizer"], ["Guest 03", "stella"]]
    sign_out(page)
    page.close()

    sign_in_as(context, "organizer")
    page = open_desk(context)
    expect(page.locator("[data-scans] li[data-state=sent]")).to_have_count(2)
    expect(page.locator("[data-notice]")).to_be_hidden()
    everybody = [(0, "organizer"), (1, "organizer"), (2, "organizer"), (3, "stella")]
    assert json.loads(door.run(_SCANNED)) == [[f"Guest {n:02}", by] for n, by in everybody]


def test_who_is_no_member_any_more_keeps_scans_and_loses_the_list(
    door: Door, sign_in: Callable[..., BrowserContext]
) -> None:
    assert door.run(_STEWARD) == "done"
    page = open_desk(sign_in("stella"))
    page.wait_for_selector(f'[data-desk][data-listed="{GUESTS}"]')
    assert door.run(_DISMISS) == "1"
    scan(page, door.codes[0], outcome="doubt")
    page.get_by_role("button", name="Let in").click()
    expect(page.locator("[data-scans] li[data-state=queued]")).to_have_count(1)
    expect(page.locator("[data-notice] a")).to_be_visible()
    assert page.evaluate(_STORED)[0] == 0
    assert json.loads(door.run(_SCANNED)) == []

    assert door.run(_STEWARD) == "done"
    expect(page.locator("[data-scans] li[data-state=sent]")).to_have_count(1)
    assert json.loads(door.run(_SCANNED)) == [["Guest 00", "stella"]]
    page.wait_for_selector(f'[data-desk][data-listed="{GUESTS}"]')


def test_background_sync_sends_scans_without_a_tab(
    door: Door, sign_in: Callable[..., BrowserContext]
) -> None:
    """The browser's own event, sent by its debugging protocol as its devtools do: no page of ours is open."""
    context = sign_in()
    page = open_desk(context)
    wait_until_ready_for_no_network(page)
    door.system.kill("web")
    for number in range(3):
        scan(page, door.codes[number])
    expect(page.locator("[data-scans] li[data-state=queued]")).to_have_count(3)
    page.close()
    door.system.start("web")
    blank = context.new_page()
    session, found = context.new_cdp_session(blank), []
    session.on("ServiceWorker.workerRegistrationUpdated", lambda event: found.extend(event["registrations"]))
    for _ in range(50):
        session.send("ServiceWorker.enable")  # says what is registered, which may not be known at first
        blank.wait_for_timeout(100)
        if found:
            break
        session.send("ServiceWorker.disable")
    assert json.loads(door.run(_SCANNED)) == []
    sync = {"origin": door.system.url, "registrationId": found[0]["registrationId"], "tag": "scans"}
    session.send("ServiceWorker.dispatchSyncEvent", {**sync, "lastChance": False})
    for _ in range(100):
        if len(json.loads(door.run(_SCANNED))) == 3:
            break
        blank.wait_for_timeout(100)
    assert json.loads(door.run(_SCANNED)) == [[f"Guest {number:02}", "organizer"] for number in range(3)]
    assert [open_page.url for open_page in context.pages] == ["about:blank"]


@pytest.mark.parametrize(
    ("width", "scheme", "locale"), [(1280, "light", "en"), (320, "dark", "zh-CN")], ids=["wide", "phone"]
)
def test_every_answer_is_accessible_and_fits(
    door: Door, sign_in: Callable[..., BrowserContext], width: int, scheme: str, locale: str
) -> None:
    context = sign_in(
        viewport={"width": width, "height": 800}, color_scheme=scheme, locale=locale, bypass_csp=True,
        service_workers="block",
    )  # fmt: skip
    page = open_desk(context)
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
    found = []
    for step in ("idle", "already", "unknown", "doubt", "own page"):
        if step == "already":
            scan(page, door.codes[59])
            scan(page, door.codes[59], outcome="already")
        elif step == "unknown":
            scan(page, "12345678", outcome="unknown")
        elif step == "doubt":
            page.route("**/desk/scan/", lambda route: route.abort())
            scan(page, f"{'0' * 32}:{'x' * 43}", outcome="doubt")
        elif step == "own page":
            page.goto(door.run(_OWN_PAGE))
        results = Axe().run(page, options={"runOnly": tags})
        found += [(step, item["id"], item["nodes"][0]["html"]) for item in results.response["violations"]]
        if page.evaluate("document.documentElement.scrollWidth") > width:
            found.append((step, "scrolls sideways", ""))
    assert found == []
