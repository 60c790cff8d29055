"""What a conference's organizers refuse at the door: other origins, ranges of addresses, pages."""

import fnmatch
import ipaddress
import re
from collections.abc import Sequence

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from analytics.event_types import EventType
from analytics.models import DoorRules
from meeteasy.core.salts import plain_address

# By the code of a rejection.
MESSAGES = {
    "origin_not_allowed": "The conference takes no events from pages of this origin.",
    "origin_missing": "The conference takes events from pages only, and the request has no Origin.",
    "blocked_address": "The conference takes no events from this address.",
    "blocked_page": "The conference takes no events of this page.",
}
LISTS = ("allowed_origins", "blocked_networks", "blocked_pages")
MAX_ENTRIES = 100
_MAX_LENGTH = 200
_ORIGIN = re.compile(r"https?://[^\s/?#]+\Z")
_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Rules:
    """The rules in the form in which they are applied."""

    def __init__(
        self,
        origins: frozenset[str],
        networks: Sequence[_Network],
        pages: re.Pattern[str] | None,
        *,
        origin_required: bool = False,
    ) -> None:
        self._origins = origins
        self._origin_required = origin_required
        self._networks = networks
        self._pages = pages

    def refuse_sender(self, *, origin: str | None, address: str) -> str | None:
        """The reason why no event of a request is taken: a key of MESSAGES, or None.

        Browsers name the Origin of every page that sends events. A request without one comes from a server or
        a script: the allowed origins do not concern it, and organizers may refuse it.
        """
        if origin is None:
            if self._origin_required:
                return "origin_missing"
        elif self._origins and origin.lower() not in self._origins:
            return "origin_not_allowed"
        if self._networks:
            try:
                parsed = ipaddress.ip_address(plain_address(address))
            except ValueError:
                return None
            if any(parsed in network for network in self._networks):
                return "blocked_address"
        return None

    def refuse_event(self, event: EventType) -> str | None:
        """`blocked_page` or None."""
        page = getattr(event, "page", None)
        return "blocked_page" if self._pages and page is not None and self._pages.match(page) else None


def make_rules(row: DoorRules) -> Rules:
    return Rules(
        frozenset(origin.lower() for origin in row.allowed_origins),
        [ipaddress.ip_network(network, strict=False) for network in row.blocked_networks],
        re.compile("|".join(fnmatch.translate(page) for page in row.blocked_pages))
        if row.blocked_pages
        else None,
        origin_required=row.origin_required,
    )


def check_rules(
    *, allowed_origins: Sequence[str], blocked_networks: Sequence[str], blocked_pages: Sequence[str]
) -> None:
    """Raise ValidationError with the names of the bad fields."""
    errors: dict[str, str] = {}
    for name, entries in (
        ("allowed_origins", allowed_origins),
        ("blocked_networks", blocked_networks),
        ("blocked_pages", blocked_pages),
    ):
        if not isinstance(entries, list) or not all(isinstance(entry, str) for entry in entries):
            errors[name] = _("A list of texts is expected.")
        elif len(entries) > MAX_ENTRIES or any(len(entry) > _MAX_LENGTH for entry in entries):
            errors[name] = _("At most %(entries)d entries of %(length)d characters.") % {
                "entries": MAX_ENTRIES, "length": _MAX_LENGTH,
            }  # fmt: skip
    if errors:
        raise ValidationError(errors)
    for origin in allowed_origins:
        if not _ORIGIN.match(origin):
            errors.setdefault(
                "allowed_origins", _("%(value)s is not like https://example.org.") % {"value": origin}
            )
    for network in blocked_networks:
        try:
            ipaddress.ip_network(network, strict=False)
        except ValueError:
            errors.setdefault(
                "blocked_networks", _("%(value)s is not a range like 192.0.2.0/24.") % {"value": network}
            )
    if errors:
        raise ValidationError(errors)
