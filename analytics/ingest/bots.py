"""Which user agents are bots. A bot's events are stored, marked, and counted in no figure."""

import re
from functools import lru_cache

from crawleruseragents import CRAWLER_USER_AGENTS_DATA

# Programs that send events for people, from a server or a script: what they are written with says nothing
# about the visitor, so the list's entries for HTTP libraries and command-line clients are left out.
_SENDER_TAGS = {"http-library"}
# Words that crawlers use of themselves and that no browser does; they catch those not on the list yet.
_GENERIC = r"(?i:\bbots?\b|bot/|crawler|spider|crawling|scraper|headless|phantomjs|lighthouse|monitoring)"

_pattern = re.compile(
    "|".join(
        [
            _GENERIC,
            *(
                entry["pattern"]
                for entry in CRAWLER_USER_AGENTS_DATA
                if not _SENDER_TAGS.intersection(entry.get("tags", ()))
            ),
        ]
    )
)


def is_bot(user_agent: str) -> bool:
    """Whether the User-Agent names a crawler or another program that reads pages by itself.

    Only its beginning is looked at, and kept: a header may have any length.
    """
    return _names_a_bot(user_agent[:512])


@lru_cache(maxsize=4096)
def _names_a_bot(user_agent: str) -> bool:
    """Remembered: a match against some 1,500 patterns costs a millisecond, and few agents are distinct."""
    return _pattern.search(user_agent) is not None
