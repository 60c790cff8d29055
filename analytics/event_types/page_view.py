"""A page was shown to a visitor."""

from functools import lru_cache
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlsplit

from django.utils.translation import gettext_noop

from analytics.event_types import EventType, Figure, LongText, register

_UTM = ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content")


@register
class PageView(EventType, tag="page_view", kw_only=True):
    label: ClassVar[str] = gettext_noop("Page view")
    figures: ClassVar[dict[str, Figure]] = {"pv": Figure.EVENTS, "uv": Figure.DISTINCT_SUBJECTS}
    example: ClassVar[dict[str, Any]] = {
        "page": "/agenda",
        "url": "https://meeteasy.example/conf/test?utm_source=newsletter",
        "referrer": "https://search.example/",
        "title": "Agenda",
    }

    page: LongText
    url: LongText = ""
    referrer: LongText = ""
    title: LongText = ""

    def derived_fields(self) -> dict[str, Any]:
        """The UTM parameters of `url`, cut at 512 characters; none if the address cannot be parsed.

        NUL (`%00`), which PostgreSQL refuses, is removed.
        """
        return _read_utm(self.url) if "utm_" in self.url else {}


@lru_cache(maxsize=1024)
def _read_utm(url: str) -> dict[str, Any]:
    """Cached, because a campaign's links are all alike, and parsing one costs as much as everything else."""
    try:
        query = parse_qsl(urlsplit(url).query)
    except ValueError:
        return {}
    return {name: value.replace("\0", "")[:512] for name, value in query if name in _UTM}
