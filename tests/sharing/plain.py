"""The rules once more, as plainly as they can be said and with no thought of speed.

Written from docs/definitions.md, sharing nothing with the code under test: it takes the whole list of events
as clients send them, sorts it by event time, and goes through it once.
"""

from collections import defaultdict
from typing import Any

DAY_MS = 86_400_000


class PlainTree:
    """parents: link → parent or None; flagged: links whose claim closed a cycle; credits: registration →
    [(code, distance)], nearest first; opens, openers, direct, assisted, below: counts by code."""

    def __init__(self, events: list[dict[str, Any]], *, window_days: int = 30) -> None:
        once = {event["event_id"]: event for event in events}
        in_time = sorted(once.values(), key=lambda event: (event["ts"], event["event_id"]))
        self.sharers: dict[str, str] = {}
        self.parents: dict[str, str | None] = {}
        self.flagged: set[str] = set()
        self.credits: dict[str, list[tuple[str, int]]] = {}
        claims: dict[str, tuple[str, tuple[int, str]]] = {}  # code → (claimed parent, when)
        first: dict[str, tuple[int, str]] = {}
        registered: dict[str, dict[str, Any]] = {}
        opened: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for event in in_time:
            when = (event["ts"], event["event_id"])
            if event["type"] == "share" and not event.get("bot"):
                code = event["share_code"]
                if code not in self.sharers:
                    self.sharers[code], first[code] = event["visitor_id"], when
                if (
                    self.sharers[code] == event["visitor_id"]
                    and event.get("parent_share_code")
                    and code not in claims
                ):
                    claims[code] = (event["parent_share_code"], when)
            elif event["type"] == "share_open" and not event.get("bot"):
                opened[event["visitor_id"]].append(event)
            elif event["type"] == "registration" and not event.get("bot"):
                registered.setdefault(event["registration_id"], event)

        # Claims in the order of time; one whose parent is below its own link closes a cycle.
        self.parents = dict.fromkeys(self.sharers)
        for code, (parent, _when) in sorted(claims.items(), key=lambda item: item[1][1]):
            if parent not in self.sharers:
                continue
            above: str | None = parent
            while above is not None and above != code:
                above = self.parents[above]
            if above == code:
                self.flagged.add(code)
            else:
                self.parents[code] = parent

        for registration_id, event in registered.items():
            now = (event["ts"], event["event_id"])
            touch = None
            expired = set()
            for item in opened[event["visitor_id"]]:
                if (item["ts"], item["event_id"]) >= now:
                    continue
                if item["ts"] < event["ts"] - window_days * DAY_MS:
                    expired.add(item["share_code"])
                elif item["share_code"] in first and first[item["share_code"]] < now:
                    touch = item["share_code"]
            code = event.get("share_code")
            if touch is None and code in first and first[code] < now and code not in expired:
                touch = code
            chain = []
            credited = set()
            distance = 0
            while touch is not None and first[touch] < now:
                distance += 1
                sharer = self.sharers[touch]
                if sharer != event["visitor_id"] and sharer not in credited:
                    credited.add(sharer)
                    chain.append((touch, distance))
                parent = self.parents[touch]
                touch = parent if parent is not None and claims[touch][1] < now else None
            if chain:
                self.credits[registration_id] = chain

        self.opens: dict[str, int] = defaultdict(int)
        who = defaultdict(set)
        for visitor, items in opened.items():
            for item in items:
                self.opens[item["share_code"]] += 1
                who[item["share_code"]].add(visitor)
        self.openers = {code: len(visitors) for code, visitors in who.items()}
        self.direct: dict[str, int] = defaultdict(int)
        self.assisted: dict[str, int] = defaultdict(int)
        for chain in self.credits.values():
            for place, (code, _distance) in enumerate(chain):
                (self.assisted if place else self.direct)[code] += 1

    def below(self, code: str) -> list[str]:
        """The links in the subtree of `code`, itself left out. For small trees."""
        found, look = [], [code]
        while look:
            above = look.pop()
            children = [child for child, parent in self.parents.items() if parent == above]
            found += children
            look += children
        return found
