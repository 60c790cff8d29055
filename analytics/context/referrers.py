"""Where a page view came from: the referrer's site and its group, by one data file (referrers.toml).

A pure function of what is stored with the view, so that nothing of it is stored: a corrected file counts for
all days that are summed up from then on (docs/adr/0034).
"""

import re
import tomllib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit

GROUPS = ("direct", "own", "share", "search", "social", "messenger", "mail", "other")
DATA_FILE = Path(__file__).with_name("referrers.toml")
_MAX_HOST_LENGTH = 253
# Of our own share links (sharing/addresses.py).
_SHARE_PARAMETER = "_s"
_BEGINS_WITH_HOST = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*:)?//")
# Values of utm_medium that name a site by themselves.
_MEDIA = {"email": "Mail", "e-mail": "Mail", "newsletter": "Mail", "edm": "Mail"}


class Source(NamedTuple):
    """host: of the referrer, without `www.`; "" for none, and for our own. name: what panels show.
    group: one of GROUPS."""

    host: str
    name: str
    group: str


class _Sites(NamedTuple):
    by_host: Mapping[str, tuple[str, str]]  # host → (group, name)
    by_label: Mapping[str, tuple[str, str]]  # of `google.*`: google
    by_source: Mapping[str, tuple[str, str]]
    by_name: Mapping[str, tuple[str, str]]


@lru_cache(maxsize=1)
def _sites() -> _Sites:
    by_host: dict[str, tuple[str, str]] = {}
    by_label: dict[str, tuple[str, str]] = {}
    by_source: dict[str, tuple[str, str]] = {}
    by_name: dict[str, tuple[str, str]] = {}
    with DATA_FILE.open("rb") as file:
        groups = tomllib.load(file)
    for group, sites in groups.items():
        for name, site in sites.items():
            by_name[name] = group, name
            for host in site["hosts"]:
                if host.endswith(".*"):
                    by_label[host.removesuffix(".*")] = group, name
                else:
                    by_host[host] = group, name
            for source in site.get("sources", ()):
                by_source[source] = group, name
    return _Sites(by_host, by_label, by_source, by_name)


@lru_cache(maxsize=16_384)
def read_source(
    referrer: str, own_host: str, *, is_shared: bool, utm_source: str, utm_medium: str, app: str
) -> Source:
    """Where a page view came from.

    A share link goes first, then the referrer, then what a campaign's parameters say, then the app in whose
    browser the page was opened: WeChat and most apps send no referrer.

    referrer: as stored; any text. own_host: of the page itself. is_shared: whether its address has the share
    code of somebody else. app: of the context (analytics/context/agents.py).
    """
    host = read_host(referrer)
    if host and host == own_host:
        return Source("", "", "own")
    group, name = (_find(host) or ("other", host)) if host else ("", "")
    if is_shared:
        return Source(host, name, "share")
    if host:
        return Source(host, name, group)
    sites = _sites()
    found = (
        sites.by_source.get(utm_source.lower())
        or sites.by_name.get(_MEDIA.get(utm_medium.lower(), ""))
        or _find(utm_source.lower())
        or sites.by_name.get(app)
    )
    if found is not None:
        return Source("", found[1], found[0])
    return Source("", utm_source, "other") if utm_source else Source("", "", "direct")


@lru_cache(maxsize=4096)
def read_host(address: str) -> str:
    """The host of an address in lower case, without `www.`, port and final dot; "" if there is none.

    An address without a scheme, as some clients send it, is read as one of the web.
    """
    address = address.strip()
    if not address:
        return ""
    try:
        parts = urlsplit(address if _BEGINS_WITH_HOST.match(address) else f"//{address}")
        host = parts.hostname or ""
    except ValueError:
        return ""
    host = host.rstrip(".").removeprefix("www.")
    if "." not in host and host != "localhost" and not _BEGINS_WITH_HOST.match(address):
        return ""  # a path or a word
    return host if len(host) <= _MAX_HOST_LENGTH else ""


def _find(host: str) -> tuple[str, str] | None:
    """The site of a host: of the host itself, else of the nearest parent that is known."""
    sites = _sites()
    labels = host.split(".")
    for start in range(len(labels)):
        known = sites.by_host.get(".".join(labels[start:]))
        if known is not None:
            return known
    # `google.com`, `google.com.hk`, `images.google.de`, but not `google.evil.example`.
    for start, label in enumerate(labels):
        if label in sites.by_label and _is_ending(labels[start + 1 :]):
            return sites.by_label[label]
    return None


def _is_ending(labels: list[str]) -> bool:
    return len(labels) == 1 or (len(labels) == 2 and labels[0] in ("co", "com") and len(labels[1]) == 2)


@lru_cache(maxsize=4096)
def read_share_code(url: str) -> str:
    """The share code in an address, as it stands there; "" for none."""
    if f"{_SHARE_PARAMETER}=" not in url:
        return ""
    try:
        parts = urlsplit(url)
        of_fragment = parts.fragment.partition("?")[2]
        values = dict(parse_qsl(f"{of_fragment}&{parts.query}"))
    except ValueError:
        return ""
    return values.get(_SHARE_PARAMETER, "")
