"""Codes, links, the address bar, and what WeChat and the system's share sheet are told."""

import base64
import hashlib
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.webapi.browser import Visitor
from tests.webapi.pages import EMPTY, QUIET, sdk_page
from tests.webapi.server import RecordingServer

pytestmark = pytest.mark.processes

FOLLOWED = "meeteasy.followShares()"
OF_A = "A1b2C3d4E5f6G7h8"


def proves(code: str, conference: str, visitor: str) -> bool:
    """Whether the code is one that only this visitor can have made."""
    digest = hashlib.sha256(f"{conference}\n{visitor}\n{code[:4]}".encode()).digest()
    return len(code) == 16 and code[4:] == base64.urlsafe_b64encode(digest).decode()[:12]


def code_in(address: str) -> str | None:
    return parse_qs(urlsplit(address).query).get("_s", [None])[0]


@pytest.fixture
def site(server: RecordingServer) -> RecordingServer:
    server.pages["/conf/test"] = sdk_page(QUIET, after=FOLLOWED)
    server.pages["/elsewhere"] = EMPTY
    return server


def flush(page: Any) -> None:
    page.evaluate("meeteasy.flush()")


def address_of(page: Any) -> str:
    return str(page.evaluate("location.href"))


def test_an_open_is_recorded_once_per_visitor_and_code(visitor: Visitor, site: RecordingServer) -> None:
    for _ in range(2):
        page = visitor.open(f"/conf/test?_s={OF_A}")
        page.reload()
        page.goto(f"{site.url}/conf/test?_s={OF_A}")
        flush(page)
    assert [event["share_code"] for event in site.of_type("share_open")] == [OF_A]

    page.goto(f"{site.url}/conf/test?_s=another-code")
    flush(page)
    assert [event["share_code"] for event in site.of_type("share_open")] == [OF_A, "another-code"]


def test_the_address_bar_gets_the_visitors_proven_code(visitor: Visitor, site: RecordingServer) -> None:
    page = visitor.open(f"/conf/test?_s={OF_A}&day=2#hall")
    flush(page)

    own = code_in(address_of(page))
    assert own is not None
    assert address_of(page) == f"{site.url}/conf/test?day=2&_s={own}#hall"
    assert proves(own, "test", page.evaluate("meeteasy.visitorId()"))
    opened, minted = site.events
    assert (opened["type"], opened["share_code"]) == ("share_open", OF_A)
    assert (minted["type"], minted["share_code"], minted["parent_share_code"], minted["minted"]) == (
        "share", own, OF_A, True,
    )  # fmt: skip
    assert minted["target_url"] == f"{site.url}/conf/test?day=2#hall"
    assert (opened["ts"], opened["event_id"]) < (minted["ts"], minted["event_id"])

    page.reload()  # one's own code: nothing is recorded, and it stays
    page.goto(f"{site.url}/elsewhere")
    page.goto(f"{site.url}/conf/test?_s={own}&from=timeline&isappinstalled=0")
    flush(page)
    assert len(site.events) == 2
    assert address_of(page) == f"{site.url}/conf/test?_s={own}"


@pytest.mark.parametrize(
    ("given", "left"),
    [
        ("?from=singlemessage&isappinstalled=0", ""),
        ("?day=2&from=groupmessage&isappinstalled=0&x=%20", "?day=2&x=+"),
        ("?from=timeline", ""),
        ("?from=Berlin", "?from=Berlin"),
        ("?q=a%20b", "?q=a%20b"),
    ],
)
def test_what_wechat_adds_is_taken_out_of_the_address(
    visitor: Visitor, site: RecordingServer, given: str, left: str
) -> None:
    page = visitor.open("/conf/test" + given)
    assert address_of(page) == f"{site.url}/conf/test{left}"


def test_punctuation_behind_a_link_is_no_part_of_its_code(visitor: Visitor, site: RecordingServer) -> None:
    page = visitor.open(f"/conf/test?_s={OF_A}。")
    page.goto(f"{site.url}/conf/test?_s={OF_A}.%EF%BC%8C%E6%9D%A5")
    flush(page)
    assert [event["share_code"] for event in site.of_type("share_open")] == [OF_A]
    own = code_in(address_of(page))
    assert own is not None
    assert proves(own, "test", page.evaluate("meeteasy.visitorId()"))


@pytest.mark.parametrize("code", ["abc", "späti-späti", "x" * 17, "a b c d", "s.abcd.short"])
def test_what_is_no_code_is_left_alone(visitor: Visitor, site: RecordingServer, code: str) -> None:
    page = visitor.open("/elsewhere")
    page.goto(f"{site.url}/conf/test?_s={code}")
    before = address_of(page)
    flush(page)
    assert site.events == []
    assert address_of(page) == before


def test_inside_a_frame_nothing_is_opened_or_changed(visitor: Visitor, site: RecordingServer) -> None:
    site.pages["/frame"] = f"<!doctype html><iframe src='/conf/test?_s={OF_A}'></iframe>"
    page = visitor.open("/frame")
    frame = page.frames[1]
    frame.wait_for_function("window.meeteasy")
    frame.evaluate("meeteasy.flush()")
    assert frame.evaluate("location.search") == f"?_s={OF_A}"
    assert site.events == []


def test_the_page_keeps_its_state_when_the_address_changes(visitor: Visitor, site: RecordingServer) -> None:
    site.pages["/conf/test"] = sdk_page(
        QUIET, before="history.replaceState({ router: 7 }, '')", after=FOLLOWED
    )
    page = visitor.open(f"/conf/test?_s={OF_A}")
    assert code_in(address_of(page)) != OF_A
    assert page.evaluate("history.state") == {"router": 7}


def test_the_same_purpose_gets_the_same_link_once(visitor: Visitor, site: RecordingServer) -> None:
    page = visitor.open("/conf/test")
    link, again, mail, other = page.evaluate("""[
      meeteasy.createShareLink({ channel: 'wechat' }),
      meeteasy.createShareLink({ channel: 'wechat' }),
      meeteasy.createShareLink({ channel: 'mail' }),
      meeteasy.createShareLink({ channel: 'mail', target: '/agenda' })
    ]""")
    flush(page)

    visitor_id = page.evaluate("meeteasy.visitorId()")
    codes = [code_in(address) for address in (link, mail, other)]
    assert link == again == f"{site.url}/conf/test?_s={codes[0]}"
    assert other == f"{site.url}/agenda?_s={codes[2]}"
    assert len(set(codes)) == 3
    assert all(proves(code or "", "test", visitor_id) for code in codes)
    assert [
        (event["share_code"], event["channel"], event["target_url"], "minted" in event)
        for event in site.of_type("share")
    ] == [
        (codes[0], "wechat", f"{site.url}/conf/test", False),
        (codes[1], "mail", f"{site.url}/conf/test", False),
        (codes[2], "mail", f"{site.url}/agenda", False),
    ]
    page.reload()
    assert page.evaluate("meeteasy.createShareLink({ channel: 'wechat' })") == link


def test_codes_are_proven_for_ids_of_any_kind(visitor: Visitor, site: RecordingServer) -> None:
    """The synchronous SHA-256, against Python's: messages of 0 to 3 blocks, around their edges."""
    page = visitor.open("/conf/test")
    visitor_id = page.evaluate("meeteasy.visitorId()")
    conferences = ["x" * length for length in range(130)] + ["会议" * 20, "🦊é", "\u0000\uffff"]
    links = page.evaluate(
        """conferences => conferences.map(conferenceId => {
          meeteasy.init({ conferenceId })
          return meeteasy.createShareLink()
        })""",
        conferences,
    )
    wrong = [
        conference
        for conference, link in zip(conferences, links, strict=True)
        if not proves(code_in(link) or "", conference, visitor_id)
    ]
    assert wrong == []
    assert len(links) == 133


def test_without_a_lasting_id_a_link_is_random(visitor: Visitor, site: RecordingServer) -> None:
    site.pages["/conf/test"] = sdk_page({**QUIET, "cookieless": True}, after=FOLLOWED)
    page = visitor.open(f"/conf/test?_s={OF_A}")
    link, again = page.evaluate("[meeteasy.createShareLink(), meeteasy.createShareLink()]")
    flush(page)

    code = code_in(link)
    assert link == again
    assert code is not None
    assert re.fullmatch("[A-Za-z0-9_-]{16}", code)
    assert code_in(address_of(page)) == OF_A
    opened, shared = site.events
    assert (opened["share_code"], shared["share_code"], shared["parent_share_code"]) == (OF_A, code, OF_A)
    assert "visitor_id" not in shared


def test_wechats_menu_gets_links_that_count_when_opened(visitor: Visitor, site: RecordingServer) -> None:
    page = visitor.open(f"/conf/test?_s={OF_A}")
    told = page.evaluate("""() => {
      const told = {}
      const wx = {
        ready: act => act(),
        updateAppMessageShareData: data => { told.message = data; data.success() },
        updateTimelineShareData: data => { told.timeline = data; data.success() }
      }
      meeteasy.prepareWeChat(wx, { title: '峰会', desc: '上海', imgUrl: 'https://img.example/x.png' })
      return told
    }""")
    flush(page)

    assert {key: told["message"][key] for key in ("title", "desc", "imgUrl")} == {
        "title": "峰会", "desc": "上海", "imgUrl": "https://img.example/x.png",
    }  # fmt: skip
    links = [told["message"]["link"], told["timeline"]["link"]]
    minted = site.of_type("share")[1:]  # after that of the address bar
    assert [(event["share_code"], event["channel"], event["minted"]) for event in minted] == [
        (code_in(links[0]), "wechat", True),
        (code_in(links[1]), "wechat_moments", True),
    ]


@pytest.mark.parametrize(
    ("agent", "first"),
    [
        ("iPhone; CPU iPhone OS 18_0 like Mac OS X) MicroMessenger/8.0", True),
        ("Linux; Android 15) MicroMessenger", False),
    ],
    ids=["iOS", "Android"],
)
def test_wechat_signs_the_first_address_on_ios(
    new_visitor: Callable[..., Visitor], site: RecordingServer, agent: str, first: bool
) -> None:
    page = new_visitor(user_agent=f"Mozilla/5.0 ({agent}").open(f"/conf/test?_s={OF_A}#top")
    signed = page.evaluate("meeteasy.weChatSignatureAddress()")
    assert signed == (f"{site.url}/conf/test?_s={OF_A}" if first else address_of(page).split("#")[0])


def test_the_share_sheet_counts_only_if_the_visitor_shares(visitor: Visitor, site: RecordingServer) -> None:
    page = visitor.open("/conf/test")
    share = "meeteasy.share({ title: 'Summit' })"
    assert page.evaluate(share) is False, "this Chromium has no share sheet"
    page.evaluate("""() => {
      window.refuse = true
      navigator.share = async data => {
        window.shared = data
        if (window.refuse) throw new Error('no')
      }
    }""")
    assert page.evaluate(share) is False
    flush(page)
    assert site.events == []

    page.evaluate("window.refuse = false")
    assert page.evaluate(share) is True
    flush(page)
    (event,) = site.events
    assert (event["type"], event["channel"]) == ("share", "system")
    assert page.evaluate("shared") == {
        "title": "Summit", "url": f"{site.url}/conf/test?_s={event['share_code']}",
    }  # fmt: skip


def test_forms_and_registrations_get_visitor_code_and_receipt(
    visitor: Visitor, site: RecordingServer
) -> None:
    form = """<form data-meeteasy method=get action=/thanks>
      <input name=email value=c@example.com><button>Go</button></form>"""
    site.pages["/conf/test"] = sdk_page(QUIET, after=FOLLOWED, body=form)
    site.pages["/thanks"] = sdk_page(
        QUIET, after=FOLLOWED, body="<p data-meeteasy-receipt='rcpt-7'>Thanks</p>"
    )
    page = visitor.open(f"/conf/test?_s={OF_A}")
    page.click("button")
    page.wait_for_url("**/thanks*")
    sent = parse_qs(urlsplit(address_of(page)).query)
    visitor_id = page.evaluate("meeteasy.visitorId()")
    assert sent == {"email": ["c@example.com"], "visitor_id": [visitor_id], "share_code": [OF_A]}

    page.evaluate("meeteasy.trackEvent('registration', { form_id: 'main' })")
    flush(page)
    (event,) = site.of_type("registration")
    assert (event["visitor_id"], event["share_code"], event["registration_id"]) == (
        visitor_id,
        OF_A,
        "rcpt-7",
    )


def test_reset_makes_the_next_person_another_visitor(visitor: Visitor, site: RecordingServer) -> None:
    page = visitor.open(f"/conf/test?_s={OF_A}")
    before = page.evaluate("meeteasy.visitorId()")
    page.evaluate("meeteasy.reset()")

    assert address_of(page) == f"{site.url}/conf/test"
    assert page.evaluate("meeteasy.visitorId()") != before
    page.goto(f"{site.url}/conf/test?_s={OF_A}")
    flush(page)
    opens = site.of_type("share_open")
    assert [event["share_code"] for event in opens] == [OF_A, OF_A]
    assert len({event["visitor_id"] for event in opens}) == 2
