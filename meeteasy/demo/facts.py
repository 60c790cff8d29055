"""What the invented conference is: its settings, and the world that its visitors come from."""

from typing import Any, NamedTuple

ZONE = "Asia/Shanghai"
CAPACITY = 480
# A name of the conference's own site, which no other conference has. By it `demo` knows what it made.
MARK = "opendata-summit.example"
SITE = f"https://{MARK}"


def make_settings(year: int) -> dict[str, Any]:
    """Return the fields of the conference besides its id and times."""
    return {
        "name": f"OpenData Summit Shanghai {year} 开放数据峰会",
        "venue": "上海展览中心 Shanghai Exhibition Centre",
        "time_zone": ZONE,
        "languages": ["zh-hans", "en"],
        "phone_region": "CN",
        "tagline": "三天、四十场分享：数据如何为人所用。 Three days about data that people can use.",
        "questions": QUESTIONS,
    }


QUESTIONS: list[dict[str, Any]] = [
    {"key": "company", "kind": "text", "label": {"en": "Company or university", "zh-hans": "公司或学校"}},
    {
        "key": "track", "kind": "choice", "required": True,
        "label": {"en": "Which track interests you most?", "zh-hans": "最感兴趣的分论坛"},
        "options": [
            {"value": "infrastructure", "label": {"en": "Infrastructure", "zh-hans": "数据基础设施"}},
            {"value": "governance", "label": {"en": "Governance", "zh-hans": "数据治理"}},
            {"value": "ai", "label": {"en": "AI in practice", "zh-hans": "人工智能实践"}},
        ],
    },
    {
        "key": "meals", "kind": "several",
        "label": {"en": "Meals", "zh-hans": "用餐"},
        "options": [
            {"value": "lunch", "label": {"en": "Lunch", "zh-hans": "午餐"}},
            {"value": "dinner", "label": {"en": "Conference dinner", "zh-hans": "晚宴"}},
            {"value": "vegetarian", "label": {"en": "Vegetarian", "zh-hans": "素食"}},
        ],
    },
    {"key": "consent", "kind": "consent", "required": True,
     "label": {"en": "I agree to the terms.", "zh-hans": "我同意参会条款。"}},
]  # fmt: skip

# How often each answer is given.
TRACKS = {"ai": 5, "infrastructure": 3, "governance": 2}
MEALS: tuple[list[str], ...] = (["lunch"], ["lunch", "dinner"], ["lunch", "vegetarian"], [])

PAGES = {
    "/": ("首页", "Home"), "/agenda": ("议程", "Agenda"), "/speakers": ("嘉宾", "Speakers"),
    "/venue": ("交通与住宿", "Getting there"), "/tickets": ("票务", "Tickets"), "/faq": ("常见问题", "FAQ"),
    "/sponsors": ("合作伙伴", "Partners"),
}  # fmt: skip
PAGE_WEIGHTS = (9, 8, 6, 3, 5, 2, 1)


class Source(NamedTuple):
    """Where visitors come from. campaign: (source, medium, campaign) of UTM parameters."""

    weight: float
    referrer: str = ""
    campaign: tuple[str, str, str] | None = None


SOURCES = (
    Source(24),
    Source(13, "https://www.baidu.com/"),
    Source(5, "https://cn.bing.com/"),
    Source(5, "https://www.google.com/"),
    Source(7, "https://weibo.com/"),
    Source(6, "https://www.linkedin.com/"),
    Source(4, "https://www.xiaohongshu.com/"),
    Source(3, "https://news.ycombinator.com/"),
)
NEWSLETTER = Source(1, campaign=("newsletter", "email", "early-bird"))
LAST_CALL = Source(1, campaign=("newsletter", "email", "last-call"))
ADVERTS = Source(1, "https://weibo.com/", ("weibo", "social", "keynote-video"))

COUNTRIES = {"CN": 66, "HK": 6, "SG": 5, "JP": 4, "US": 6, "GB": 4, "DE": 4, "IN": 3, "AU": 2}
CHANNELS = {"wechat": 10, "copy": 3, "weibo": 3, "linkedin": 2, "qr": 2, "email": 1}
GATES = ("A", "B", "C")

_CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0"
_IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
AGENTS = {
    f"{_IPHONE} Mobile/15E148 MicroMessenger/8.0.60(0x18003c31) NetType/WIFI Language/zh_CN": 20,
    f"Mozilla/5.0 (Linux; Android 15; 23127PN0CC) {_CHROME} Mobile Safari/537.36 MicroMessenger/8.0.60": 18,
    f"{_IPHONE} Version/18.5 Mobile/15E148 Safari/604.1": 12,
    f"Mozilla/5.0 (Linux; Android 15; Pixel 9) {_CHROME} Mobile Safari/537.36": 9,
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_CHROME} Safari/537.36": 20,
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_CHROME} Safari/537.36 Edg/138.0.0.0": 7,
    f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {_CHROME} Safari/537.36": 8,
    "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0": 4,
    f"Mozilla/5.0 (iPad; CPU OS 18_5 like Mac OS X) {_CHROME} Safari/604.1": 3,
}
BOTS = (
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (compatible; Baiduspider/2.0; +http://www.baidu.com/search/spider.html)",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)",
)
