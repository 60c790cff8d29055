"""Browser, operating system, device and in-app browser of a user agent.

Patterns of our own come first, because ua-parser takes WeChat and DingTalk for Chrome's WebView, Feishu and
Xiaohongshu for Safari, and knows no HarmonyOS. Versions are left out: nobody asks for them, and each would be
another value.
"""

import re
from typing import NamedTuple

import ua_parser

# Texts are read up to here; a header may have any length.
MAX_LENGTH = 512


class Agent(NamedTuple):
    """Names, "" where the text says nothing. device: "desktop", "phone", "tablet", "tv" or ""."""

    browser: str
    os: str
    device: str
    app: str


# Apps that show pages in a browser of their own. The first that matches is it: WeCom names WeChat too, and
# WeChat on Android names QQ's browser.
_APPS = [
    (re.compile(pattern), name)
    for pattern, name in (
        (r"wxwork/", "WeCom"),
        (r"MicroMessenger/|MicroMessenger\b|WindowsWechat|MacWechat", "WeChat"),
        (r"DingTalk", "DingTalk"),
        (r"Feishu", "Feishu"),
        (r"\bLark/|LarkLocale", "Lark"),
        (r"(?i:xiaohongshu|\bxhs)", "Xiaohongshu"),
        (r"AlipayClient|AlipayDefined|AliApp\(AP\b", "Alipay"),
        (r"AliApp\((?:TB|TM|BC)\b|taobao|TBAndroid", "Taobao"),
        (r"(?i:weibo)", "Weibo"),
        (r"(?i:\baweme|douyin)", "Douyin"),
        (r"musical_ly|\btrill_|(?i:tiktok)", "TikTok"),
        (r"NewsArticle/|(?i:toutiao)", "Toutiao"),
        (r"baiduboxapp|baiduboxlite|BaiduBoxApp", "Baidu"),
        (r"(?i:kwai|kuaishou)", "Kuaishou"),
        (r"(?i:BiliApp|bilibili)", "Bilibili"),
        (r"ZhihuHybrid|\bosee2unifiedRelease", "Zhihu"),
        (r"(?<!M)\bQQ/[\d.]+|\bQQTheme|V1_(?:AND|IPH)_SQ", "QQ"),
        (r"FBAN/Messenger|FB_IAB/(?:MESSENGER|Orca)|MessengerForiOS|MessengerLite", "Messenger"),
        (r"\bFBA[NV]/|FB_IAB/", "Facebook"),
        (r"\bInstagram ", "Instagram"),
        (r"\bBarcelona \d", "Threads"),
        (r"\bLine/[\d.]+", "LINE"),
        (r"KAKAOTALK", "KakaoTalk"),
        (r"LinkedInApp", "LinkedIn"),
        (r"Twitter for |TwitterAndroid", "X"),
        (r"Snapchat[/ ]", "Snapchat"),
        (r"\[Pinterest/", "Pinterest"),
        (r"Telegram-(?:Android|iOS)", "Telegram"),
        (r"Slack_SSB|\bSlack/", "Slack"),
        (r"\bTeams/", "Teams"),
    )
]
# Browsers that ua-parser takes for another.
_BROWSERS = [
    (re.compile(pattern), name)
    for pattern, name in (
        (r"HuaweiBrowser|HBPC/", "Huawei Browser"),
        (r"ArkWeb/", "ArkWeb"),
        (r"(?i:UCBrowser|UBrowser|\bUCWEB)", "UC Browser"),
        (r"MQQBrowser|QQBrowser", "QQ Browser"),
        (r"\bQuark/", "Quark"),
        (r"HeyTapBrowser|OppoBrowser", "HeyTap Browser"),
        (r"(?i:vivobrowser)", "Vivo Browser"),
        (r"MiuiBrowser|XiaoMi/Miui", "Mi Browser"),
        (r"MetaSr|SogouMobileBrowser|SogouMSE", "Sogou Browser"),
        (r"QihooBrowser|\b360SE|\b360EE|360 ?Aphone", "360 Browser"),
        (r"(?i:BIDUBrowser|baidubrowser)", "Baidu Browser"),
    )
]
_SYSTEMS = [(re.compile(r"HarmonyOS|OpenHarmony|ArkWeb/"), "HarmonyOS")]

# ua-parser's families that say the same to people.
_BROWSER_NAMES = {
    "Android": "Android Browser",
    "Chrome Mobile": "Chrome",
    "Chrome Mobile iOS": "Chrome",
    "Chrome Mobile WebView": "Android WebView",
    "Chromium": "Chrome",
    "Edge Mobile": "Edge",
    "Firefox Focus": "Firefox",
    "Firefox Mobile": "Firefox",
    "Firefox iOS": "Firefox",
    "IE Mobile": "IE",
    "Mobile Safari": "Safari",
    "Mobile Safari UI/WKWebView": "iOS WebView",
    "Opera Mobile": "Opera",
    "Opera Mini": "Opera",
    "Other": "",
}
_OS_NAMES = {
    "Chrome OS": "ChromeOS",
    "Web0S": "webOS",
    "Mac OS X": "macOS",
    "Mac OS": "macOS",
    "Other": "",
    **dict.fromkeys(
        ("Arch Linux", "CentOS", "Debian", "Fedora", "Gentoo", "Linux Mint", "Mandriva", "Red Hat", "SUSE",
         "Slackware", "Ubuntu"),
        "Linux",
    ),
    **dict.fromkeys(("Windows Phone", "Windows Mobile", "Windows CE"), "Windows Phone"),
}  # fmt: skip
_DESKTOPS = frozenset({"ChromeOS", "FreeBSD", "HarmonyOS", "Linux", "OpenBSD", "Windows", "macOS"})

_TV = re.compile(
    r"(?i:smart-?tv|smarttv|hbbtv|netcast|web0s|webos\.tv|googletv|google tv|apple ?tv|android ?tv|bravia"
    r"|aft[a-z]{1,2}\b|crkey|roku|viera|aquos|\btv\b|dtv|tizen.*tv)"
)
_TABLET = re.compile(
    r"(?i:ipad|tablet|\bpad\b|kindle|silk/(?!.*mobile)|playbook|nexus (?:7|9|10)\b|\bsm-[tpx]\d)"
)
_PHONE = re.compile(r"(?i:iphone|ipod|\bphone\b|mobile|phone;|symbian|blackberry|opera mini|midp)")
_PC = re.compile(r"\(PC;")


def read_agent(text: str) -> Agent:
    """Read a user agent. The first call loads ua-parser's rules, which takes half a second."""
    text = text[:MAX_LENGTH].encode("utf-8", "replace").decode()  # lone surrogates, which no parser takes
    if not text:
        return Agent("", "", "", "")
    app = _first(_APPS, text)
    browser = app or _first(_BROWSERS, text) or _browser_family(text)
    system = _first(_SYSTEMS, text) or _os_family(text)
    return Agent(browser, system, _device(text, system), app)


def _first(patterns: list[tuple[re.Pattern[str], str]], text: str) -> str:
    return next((name for pattern, name in patterns if pattern.search(text)), "")


def _browser_family(text: str) -> str:
    found = ua_parser.parse_user_agent(text)
    return "" if found is None else _BROWSER_NAMES.get(found.family, found.family)


def _os_family(text: str) -> str:
    found = ua_parser.parse_os(text)
    return "" if found is None else _OS_NAMES.get(found.family, found.family)


def _device(text: str, system: str) -> str:
    if _PC.search(text):
        return "desktop"
    if _TV.search(text):
        return "tv"
    if _TABLET.search(text):
        return "tablet"
    if _PHONE.search(text):
        return "phone"
    if system == "Android":  # Google's rule: a phone says Mobile, a tablet does not
        return "tablet"
    return "desktop" if system in _DESKTOPS else ""
