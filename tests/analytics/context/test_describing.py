"""The context that is stored with an event."""

import msgspec

from analytics.context import describing
from analytics.context.describing import describe
from tests.analytics.context.agents import AGENTS

WECHAT = AGENTS[0][0]


def test_what_is_not_known_is_left_out() -> None:
    assert describe("", "") == ("", False)
    assert msgspec.json.decode(describe("", "CN").context) == {"country": "CN"}
    assert msgspec.json.decode(describe(WECHAT, "CN").context) == {
        "app": "WeChat", "browser": "WeChat", "country": "CN", "device": "phone", "os": "iOS",
    }  # fmt: skip


def test_the_text_itself_is_not_in_it() -> None:
    assert "MicroMessenger" not in describe(WECHAT, "").context


def test_a_bot_is_known_by_its_agent() -> None:
    assert describe("Googlebot/2.1", "US").is_bot
    assert not describe("curl/8.5.0", "US").is_bot


def test_what_is_remembered_is_bounded() -> None:
    describing._describe.cache_clear()
    for number in range(10):
        describe("Mozilla/5.0 " + "x" * 1000 + str(number), "")
    info = describing._describe.cache_info()
    assert info.currsize == 1  # long ones differ beyond what is read
    assert info.maxsize is not None
