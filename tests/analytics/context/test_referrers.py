"""Where page views came from, by referrer, share link, campaign and app."""

import tomllib

import pytest

from analytics.context.referrers import DATA_FILE, GROUPS, Source, read_host, read_share_code, read_source


def source(referrer: str = "", **fields: object) -> Source:
    given = {"own_host": "x.example", "is_shared": False, "utm_source": "", "utm_medium": "", "app": ""}
    return read_source(referrer, **{**given, **fields})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("referrer", "expected"),
    [
        ("https://www.google.com/", ("google.com", "Google", "search")),
        ("https://images.google.com.hk/search?q=x", ("images.google.com.hk", "Google", "search")),
        ("https://www.baidu.com/link?url=x", ("baidu.com", "Baidu", "search")),
        ("https://tieba.baidu.com/p/1", ("tieba.baidu.com", "Tieba", "social")),
        ("https://mail.google.com/", ("mail.google.com", "Gmail", "mail")),
        ("https://mail.yandex.ru/", ("mail.yandex.ru", "Yandex Mail", "mail")),
        ("https://docs.google.com/document/d/1", ("docs.google.com", "Google Docs", "other")),
        ("https://calendar.google.com/", ("calendar.google.com", "Google Calendar", "other")),
        ("https://gemini.google.com/", ("gemini.google.com", "Gemini", "search")),
        ("https://mail.qq.com/", ("mail.qq.com", "QQ Mail", "mail")),
        ("https://mp.weixin.qq.com/s/abc", ("mp.weixin.qq.com", "WeChat", "messenger")),
        ("https://servicewechat.com/wx1/2/page-frame.html", ("servicewechat.com", "WeChat", "messenger")),
        ("android-app://com.google.android.gm/", ("com.google.android.gm", "Gmail", "mail")),
        ("HTTPS://M.Weibo.CN:443/status/1", ("m.weibo.cn", "Weibo", "social")),
        ("t.co", ("t.co", "X", "social")),
        ("https://news.example./a", ("news.example", "news.example", "other")),
        ("https://google.evil.example/", ("google.evil.example", "google.evil.example", "other")),
        ("https://notgoogle.com/", ("notgoogle.com", "notgoogle.com", "other")),
        ("https://google.hax.tk/", ("google.hax.tk", "google.hax.tk", "other")),
        ("https://google.co.uk/", ("google.co.uk", "Google", "search")),
        ("//www.google.com/", ("google.com", "Google", "search")),
        ("weibo.com/go?to=https://x.example/", ("weibo.com", "Weibo", "social")),
        ("https://www.x.example/agenda", ("", "", "own")),
        ("", ("", "", "direct")),
        ("about:blank", ("", "", "direct")),
        ("/agenda", ("", "", "direct")),
        ("https://[", ("", "", "direct")),
    ],
)
def test_a_referrer_names_site_and_group(referrer: str, expected: tuple[str, ...]) -> None:
    assert source(referrer) == Source(*expected)


def test_a_share_link_goes_before_the_referrer() -> None:
    assert source("https://m.weibo.cn/1", is_shared=True) == ("m.weibo.cn", "Weibo", "share")
    assert source("https://x.example/", is_shared=True).group == "own"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"utm_source": "WeChat"}, ("", "WeChat", "messenger")),
        ({"utm_source": "weibo.com"}, ("", "Weibo", "social")),
        ({"utm_source": "spring", "utm_medium": "email"}, ("", "Mail", "mail")),
        ({"utm_source": "newsletter"}, ("", "Mail", "mail")),
        ({"utm_source": "poster"}, ("", "poster", "other")),
        ({"app": "WeChat"}, ("", "WeChat", "messenger")),
        ({"app": "Xiaohongshu"}, ("", "Xiaohongshu", "social")),
    ],
)
def test_without_referrer_campaign_and_app_say_it(fields: dict[str, str], expected: tuple[str, ...]) -> None:
    assert source(**fields) == Source(*expected)


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("https://x.example/conf/a?_s=q7Jm0Zt4", "q7Jm0Zt4"),
        ("https://x.example/#/a?b=1&_s=q7Jm0Zt4", "q7Jm0Zt4"),
        ("https://x.example/?a_s=q7Jm0Zt4", ""),
        ("https://[/?_s=q7Jm0Zt4", ""),
    ],
)
def test_a_share_code_is_read_from_an_address(url: str, code: str) -> None:
    assert read_share_code(url) == code


def test_hosts_are_compared_in_one_spelling() -> None:
    assert read_host("https://WWW.X.example:8443/a") == read_host("x.example.") == "x.example"
    assert read_host("http://localhost:8000/") == "localhost"


def test_the_data_file_names_each_host_once() -> None:
    groups = tomllib.loads(DATA_FILE.read_text(encoding="utf-8"))
    hosts = [host for sites in groups.values() for site in sites.values() for host in site["hosts"]]
    names = [name for sites in groups.values() for name in sites]
    assert set(groups) < set(GROUPS)
    assert len(hosts) == len(set(hosts)) > 60
    assert len(names) == len(set(names))
