"""Crawlers are marked; browsers, in-app browsers and server SDKs are not."""

from importlib import resources

import pytest
import yaml

from analytics.context.bots import is_bot
from tests.analytics.context.agents import AGENTS
from tests.analytics.ingest.conftest import BROWSER

CRAWLERS = [
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; bingbot/2.0; "
    "+http://www.bing.com/bingbot.htm) Chrome/103.0.5060.134 Safari/537.36",
    "Mozilla/5.0 (compatible; Baiduspider/2.0; +http://www.baidu.com/search/spider.html)",
    "Sogou web spider/4.0(+http://www.sogou.com/docs/help/webmasters.htm#07)",
    "Mozilla/5.0 (compatible; YandexBot/3.0; +http://yandex.com/bots)",
    "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
    "Twitterbot/1.0",
    "WhatsApp/2.19.81 A",
    "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)",
    "Mozilla/5.0 (compatible; ClaudeBot/1.0; +claudebot@anthropic.com)",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/17.4 Safari/605.1.15 (Applebot/0.1)",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/120.0.0.0 "
    "Safari/537.36",
    "Pingdom.com_bot_version_1.4_(http://www.pingdom.com/)",
    "SomethingNew-Crawler/0.1",
    "python-spider/1.0 (+https://example.org)",
    "Java/1.8 (compatible; some-bot; +http://example.org)",
    "Kimi-User/1.0",
]
PEOPLE = [
    BROWSER,
    "",
    "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Mobile/15E148 MicroMessenger/8.0.49(0x18003137) NetType/WIFI Language/zh_CN",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 16_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 "
    "[FBAN/FBIOS;FBAV/430]",
    "Mozilla/5.0 (Linux; Android 14; SM-S918B) AppleWebKit/537.36 (KHTML, like Gecko) "
    "SamsungBrowser/26.0 Chrome/122.0.0.0 Mobile Safari/537.36",
    # A phone maker, not a bot.
    "Mozilla/5.0 (Linux; Android 8.0; CUBOT X18 Build/O00623) AppleWebKit/537.36 Chrome/80 Mobile "
    "Safari/537.36",
    "Mozilla/5.0 (Linux; Android 10; HarmonyOS; ELS-AN00) AppleWebKit/537.36 HuaweiBrowser/12 Mobile "
    "Safari/537.36",
    *(text for text, _ in AGENTS),
]
SENDERS = [
    "curl/8.5.0",
    "Wget/1.21",
    "python-requests/2.32.3",
    "python-httpx/0.28.1",
    "axios/1.7",
    "okhttp/4.12.0",
    "Go-http-client/2.0",
    "Apache-HttpClient/4.5.13 (Java/11)",
    "analytics-python/2.3.2",
    "analytics-node/6.0.0",
    "RudderStack/rudder-sdk-python",
    # Libraries that name their own address.
    "node-fetch/1.0 (+https://github.com/bitinn/node-fetch)",
    "got (https://github.com/sindresorhus/got)",
    "Typhoeus - https://github.com/typhoeus/typhoeus",
    "HTTP_Request2/2.5.1 (https://github.com/pear/HTTP_Request2) PHP/8.2.7",
    "Needle/3.3.1 (Node.js v20.11.0; linux x64)",
]


@pytest.mark.parametrize("user_agent", CRAWLERS)
def test_a_crawler_is_a_bot(user_agent: str) -> None:
    assert is_bot(user_agent)


@pytest.mark.parametrize("user_agent", PEOPLE)
def test_a_browser_is_not_a_bot(user_agent: str) -> None:
    assert not is_bot(user_agent)


@pytest.mark.parametrize("user_agent", SENDERS)
def test_a_server_sdk_is_not_a_bot(user_agent: str) -> None:
    assert not is_bot(user_agent)


def test_only_the_beginning_of_a_user_agent_is_read() -> None:
    assert is_bot("Googlebot/2.1 " + "x" * 1_000_000)
    assert not is_bot("x" * 1_000_000 + " Googlebot/2.1")


# Agents that nothing here was made from: the fixtures of another project (device-detector).
FIXTURES = resources.files("device_detector") / "tests" / "fixtures" / "upstream"
PEOPLES_FILES = ("desktop.yml", "mobile_apps.yml", "phablet.yml", "smartphone.yml", "tablet.yml", "tv.yml")


def agents_of(*names: str) -> list[str]:
    return [
        item["user_agent"]
        for name in names
        for item in yaml.load((FIXTURES / name).read_bytes(), yaml.CSafeLoader)
        if item["user_agent"]
    ]


@pytest.mark.slow
def test_most_bots_of_a_foreign_list_are_known() -> None:
    bots = agents_of("bots.yml")
    known = [agent for agent in bots if is_bot(agent)]
    assert len(bots) > 800
    assert len(known) / len(bots) > 0.85


@pytest.mark.slow
def test_hardly_any_listed_browser_is_a_bot() -> None:
    people = agents_of(*PEOPLES_FILES)
    wrong = [agent for agent in people if is_bot(agent)]
    assert len(people) > 2_000
    assert len(wrong) / len(people) < 0.005, wrong
