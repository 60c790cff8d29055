"""A page was shown to a visitor."""

from typing import Any, ClassVar

from django.utils.translation import gettext_noop

from analytics.context.campaigns import read_utm
from analytics.event_types import EventType, Figure, LongText, register


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
        """The UTM parameters of `url`."""
        return read_utm(self.url)
