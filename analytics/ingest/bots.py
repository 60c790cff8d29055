"""Which user agents are bots. A bot's events are stored and marked, and no figure counts them."""

import re
from functools import lru_cache

from crawleruseragents import CRAWLER_USER_AGENTS_DATA

# A server or a script may send events on behalf of people, and its HTTP library says nothing about them. So
# the list's entries for HTTP libraries and command-line clients are left out.
_SENDER_TAGS = {"http-library"}
# Words in the names of crawlers and in those of no browser; they catch crawlers that the list lacks.
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
    """Whether the User-Agent names a crawler or another program that reads pages on its own.

    Reads and remembers only its beginning, because a header may have any length.
    """
    return _names_a_bot(user_agent[:512])


@lru_cache(maxsize=4096)
def _names_a_bot(user_agent: str) -> bool:
    """Cached: matching some 1,500 patterns takes a millisecond, and there are few distinct agents."""
    return _pattern.search(user_agent) is not None
