"""Helpers that make events for the tests of the tree and read the results."""

from typing import Any

import msgspec

from analytics.events.rows import EventRow
from sharing.derivation.deriving import apply_facts
from sharing.derivation.facts import read_facts
from sharing.models import ChannelCount, Credit, CreditSum, NotCredited, ShareLink
from sharing.models import ShareConversion as Conversion

START_MS = 1_777_600_000_000  # 2026-05-01T01:46:40Z
_OWN = (
    "share_code", "parent_share_code", "channel", "target_url", "attribution_chain", "registration_id",
    "form_id", "minted", "proven", "version", "stands", "source",
)  # fmt: skip
MINUTE_MS = 60_000
DAY_MS = 86_400_000


def event(type: str, at: float, visitor: str, **fields: Any) -> dict[str, Any]:
    """An event `at` minutes after the start, as a client sends it. Its default id describes it."""
    made = {
        "type": type,
        "conference_id": "summit",
        "visitor_id": visitor,
        "ts": START_MS + round(at * MINUTE_MS),
        **fields,
    }
    made.setdefault("event_id", f"{type}-{visitor}-{at}-{fields.get('share_code', '')[:16]}")
    return made


def share(at: float, visitor: str, code: str, parent: str = "", **fields: Any) -> dict[str, Any]:
    if parent:
        fields["parent_share_code"] = parent
    return event("share", at, visitor, share_code=code, **fields)


def opened(at: float, visitor: str, code: str, **fields: Any) -> dict[str, Any]:
    return event("share_open", at, visitor, share_code=code, **fields)


def registered(at: float, visitor: str, registration_id: str = "", **fields: Any) -> dict[str, Any]:
    return event("registration", at, visitor, registration_id=registration_id or f"r-{visitor}", **fields)


def row(sent: dict[str, Any]) -> EventRow:
    """The event as handlers get it. `bot` marks an event of a bot, `held` a report beyond the quota.
    `received` is in minutes after the start and defaults to the event's time."""
    own = {
        name: sent[name]
        for name in _OWN
        if sent.get(name) not in (None, "")
    }  # fmt: skip
    subject = sent.get("registration_id") or sent.get("share_code") or sent["event_id"]
    received_ms = sent["ts"] if "received" not in sent else START_MS + round(sent["received"] * MINUTE_MS)
    made = EventRow(
        sent["event_id"], sent["type"], sent["conference_id"], sent["ts"], received_ms, sent["visitor_id"],
        "", subject, bool(sent.get("bot")), msgspec.json.encode(own).decode(), "{}",
    )  # fmt: skip
    if sent.get("held"):
        made.hold = "held"
    return made


def stands(registration_id: str, version: int, stands: bool, source: str = "state") -> dict[str, Any]:
    """An event that says whether a registration stands."""
    return {
        "type": "registration_standing", "conference_id": "summit", "visitor_id": "",
        "event_id": f"own:standing:{source}:{registration_id}:{version}", "ts": START_MS,
        "registration_id": registration_id, "version": version, "stands": stands, "source": source,
    }  # fmt: skip


def deliver(*events: dict[str, Any]) -> None:
    """Deliver all events at once."""
    apply_facts(read_facts([row(sent) for sent in events]))


def credits_of(registration_id: str, conference_id: str = "summit") -> list[str]:
    """The codes that a registration credits, nearest first."""
    found = Credit.objects.filter(conversion_id=f"{conference_id}/{registration_id}").order_by("distance")
    return [link.partition("/")[2] for link in found.values_list("link_id", flat=True)]


def refusals_of(registration_id: str, conference_id: str = "summit") -> set[tuple[str, str]]:
    """The (code, reason) pairs of uncredited codes."""
    found = NotCredited.objects.filter(registration_id=f"{conference_id}/{registration_id}")
    return {(key.partition("/")[2], reason) for key, reason in found.values_list("link_key", "reason")}


def tree() -> dict[str, str | None]:
    """All links: code → the parent's code."""
    return {
        code: parent and parent.partition("/")[2]
        for code, parent in ShareLink.objects.values_list("code", "parent_id")
    }


def state() -> dict[str, Any]:
    """All derived data in a comparable form."""
    return {
        "links": sorted(ShareLink.objects.values_list()),
        "conversions": sorted(Conversion.objects.values_list()),
        "credits": sorted(Credit.objects.values_list()),
        "not_credited": sorted(
            NotCredited.objects.values_list(
                "registration_id", "link_key", "reason", "distance", "conference_id", "registered_ms"
            ),
            key=repr,
        ),
        "sums": sorted(CreditSum.objects.values_list()),
        "channels": sorted(ChannelCount.objects.values_list()),
    }
