"""A conference whose tree of shares has names, and every figure of which is known."""

import datetime as dt
from typing import Any

from analytics import own_events
from analytics.days import summaries
from conferences.models import Conference
from conferences.services.registrations import register
from tests.analytics.builders import DAY, NOON, own_row, store, store_and_react


def share(code: str, visitor: str, *, at: int, parent: str = "", channel: str = "wechat") -> dict[str, Any]:
    return {
        "event_id": f"share-{code}", "type": "share", "share_code": code, "visitor_id": visitor,
        "ts": NOON + dt.timedelta(minutes=at), "channel": channel, "parent_share_code": parent or None,
    }  # fmt: skip


def opened(code: str, visitor: str, *, at: int) -> dict[str, Any]:
    return {
        "event_id": f"open-{code}-{visitor}", "type": "share_open", "share_code": code,
        "visitor_id": visitor, "ts": NOON + dt.timedelta(minutes=at),
    }  # fmt: skip


def registered(conference: Conference, name: str, visitor: str, *, at: int) -> None:
    """Register a person on our form, and let the events follow as the workers would."""
    moment = NOON + dt.timedelta(minutes=at)
    email = f"{visitor}@example.com"
    made = register(conference=conference, name=name, email=email, visitor_id=visitor, now=moment)
    store_and_react([own_events.registration_row(made.registration)])


def build_branch(conference: Conference) -> None:
    """Ada shared, Ben came by her and shared on, Cleo came by Ben; Dan came by Ada; Eve came by nobody.

    Distinct share conversions: 3 of 5 registrations. Ada: 2 direct (Ben, Dan), 1 below; Ben: 1 direct.
    """
    store(share("adaA1", "ada", at=0), opened("adaA1", "ben", at=1), opened("adaA1", "dan", at=2))
    registered(conference, "Ada Amsel", "ada", at=3)
    registered(conference, "Ben Bach", "ben", at=4)
    store(share("benB1", "ben", at=5, parent="adaA1", channel="weibo"), opened("benB1", "cleo", at=6))
    registered(conference, "Cleo 陈", "cleo", at=7)
    registered(conference, "Dan Damm", "dan", at=8)
    registered(conference, "Eve Eder", "eve", at=9)
    store({"event_id": "pv1", "type": "page_view", "ts": NOON, "visitor_id": "eve"})
    summaries.compute_range(conference.id, DAY, DAY)


def build_chain(length: int) -> list[str]:
    """A chain of links, each shared by whoever opened the one before. Returns the codes from the top."""
    codes = [f"chain{number:03}" for number in range(length)]
    events = []
    for number, code in enumerate(codes):
        parent = codes[number - 1] if number else ""
        events.append(share(code, f"w{number}", at=number, parent=parent))
    store(*events)
    return codes


__all__ = ["DAY", "NOON", "build_branch", "build_chain", "opened", "own_row", "registered", "share", "store"]
