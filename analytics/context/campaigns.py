"""UTM parameters of an address."""

import re
from functools import lru_cache
from urllib.parse import parse_qsl, unquote, urlsplit

UTM_FIELDS = ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content")
_MAX_LENGTH = 512
_SECOND_MARK = re.compile(r"\?(?=utm_)", re.IGNORECASE)
# One of the letters of "utm".
_ENCODED_LETTER = re.compile("%(?:[57][45]|[46]d)")


def read_utm(url: str) -> dict[str, str]:
    """The UTM parameters, cut at 512 characters; {} if there are none or the address cannot be parsed.

    Also those behind the `#` of pages that keep their path there (`#/agenda?utm_source=…`), with names in
    upper case or percent-encoded, and those of links made by hand: behind an `&amp;` that came out of HTML as
    it stood there, behind a second `?`, in a query that was percent-encoded as a whole. The query proper goes
    before the fragment. NUL (`%00`), which PostgreSQL refuses, is removed.
    """
    if "=" not in url and "%3" not in url:
        return {}
    lowered = url.lower()
    return _read(url) if "utm" in lowered or ("%" in lowered and _ENCODED_LETTER.search(lowered)) else {}


@lru_cache(maxsize=1024)
def _read(url: str) -> dict[str, str]:
    """Cached, because a campaign's links are all alike, and parsing one costs as much as everything else."""
    try:
        parts = urlsplit(url)
        queries = map(_repair, (_query_of_fragment(parts.fragment), parts.query))
        query = [pair for text in queries for pair in parse_qsl(text)]
    except ValueError:
        return {}
    found: dict[str, str] = {}
    for name, value in query:
        field = name.lower().removeprefix("amp;")
        value = value.replace("\0", "").strip()[:_MAX_LENGTH]
        if field in UTM_FIELDS and value:
            found[field] = value
    return found


def _repair(query: str) -> str:
    """`utm_source%3Dmail` and `day=2?utm_source=mail` as they were meant."""
    return _SECOND_MARK.sub("&", query if "=" in query else unquote(query))


def _query_of_fragment(fragment: str) -> str:
    """`/agenda?utm_source=x` has its query behind the `?`; `utm_source=x` is one itself."""
    _, mark, query = fragment.partition("?")
    return query if mark else fragment
