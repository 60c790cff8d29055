"""The rules once more, as plainly as they can be said and with no thought of speed.

Written from docs/definitions.md, sharing nothing with the code under test: it takes the whole list of events
as clients send them, sorts it by event time, and goes through it once.
"""

from collections import defaultdict
from typing import Any

DAY_MS = 86_400_000


class PlainTree:
    """parents: link → parent or None; flagged: links whose claim closed a cycle; contested: links that
    somebody else claimed, too; registered: registration → (ms, event id, visitor, code); credits:
    registration → [(code, distance)], nearest first; refused: registration → {(code, reason)}; opens,
    openers, direct, assisted, below: counts by code.

    An event of the type `minted` stands for a link that the server made. Events without visitor are each by
    somebody else.
    """

    def __init__(self, events: list[dict[str, Any]], *, window_days: int = 30) -> None:
        once = {event["event_id"]: event for event in events}
        in_time = sorted(once.values(), key=lambda event: (event["ts"], event["event_id"]))
        self.sharers: dict[str, str] = {}
        self.parents: dict[str, str | None] = {}
        self.flagged: set[str] = set()
        self.contested: set[str] = set()
        self.registered: dict[str, tuple[int, str, str, str]] = {}
        self.credits: dict[str, list[tuple[str, int]]] = {}
        self.refused: dict[str, set[tuple[str, str]]] = defaultdict(set)
        claims: dict[str, tuple[str, tuple[int, str]]] = {}  # code → (claimed parent, when)
        first: dict[str, tuple[int, str]] = {}
        registered: dict[str, dict[str, Any]] = {}
        opened: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for event in in_time:
            if event["type"] == "minted":
                self.sharers[event["share_code"]] = event["visitor_id"]
                first[event["share_code"]] = (event["ts"], event["event_id"])
        for event in in_time:
            when = (event["ts"], event["event_id"])
            who = event["visitor_id"] or f"anonymous:{event['event_id']}"
            if event["type"] == "share" and not event.get("bot"):
                code = event["share_code"]
                if code not in self.sharers:
                    self.sharers[code], first[code] = who, when
                if self.sharers[code] != who:
                    self.contested.add(code)
                elif event.get("parent_share_code") and code not in claims:
                    claims[code] = (event["parent_share_code"], when)
            elif event["type"] == "share_open":
                opened[who].append(event)
            elif event["type"] == "registration" and not event.get("bot"):
                # The first report says when; the first that says by whom, and with which code, says that.
                known = registered.setdefault(event["registration_id"], {**event})
                known["visitor_id"] = known["visitor_id"] or event["visitor_id"]
                known["share_code"] = known.get("share_code") or event.get("share_code")

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
            visitor = event["visitor_id"]
            self.registered[registration_id] = (*now, visitor, event.get("share_code") or "")
            refused = self.refused[registration_id]

            def problem(code: str, now: tuple[int, str] = now) -> str:
                if len(code) < 4:
                    return "malformed_code"
                if code not in first:
                    return "unknown_code"
                return "" if first[code] < now else "shared_later"

            touch, believed = None, None
            expired = set()
            for item in reversed(opened[visitor] if visitor else []):
                code = item["share_code"]
                if (item["ts"], item["event_id"]) >= now:
                    continue
                if item.get("bot"):
                    refused.add((code, "bot"))
                elif item["ts"] < event["ts"] - window_days * DAY_MS:
                    expired.add(code)
                elif reason := problem(code):
                    refused.add((code, reason))
                else:
                    touch, believed = code, item.get("attribution_chain")
                    break
            code = event.get("share_code")
            if touch is None and code:
                if reason := problem(code):
                    refused.add((code, reason))
                elif code not in expired:
                    touch = code
            if touch is None:
                refused |= {(code, "outside_window") for code in expired}
            nearest = touch
            chain = []
            way = []
            credited = set()
            while touch is not None and first[touch] < now:
                way.append(touch)
                sharer = self.sharers[touch]
                if sharer == visitor:
                    refused.add((touch, "self_referral"))
                elif sharer in credited:
                    refused.add((touch, "sharer_already_credited"))
                else:
                    credited.add(sharer)
                    chain.append((touch, len(way)))
                parent = self.parents[touch]
                touch = parent if parent is not None and claims[touch][1] < now else None
            if touch is not None:
                refused.add((touch, "shared_later"))
            if nearest is not None and believed and believed != way[::-1]:
                refused.add((nearest, "chain_contradicts_tree"))
            if chain:
                self.credits[registration_id] = chain

        self.opens: dict[str, int] = defaultdict(int)
        openers = defaultdict(set)
        for visitor, items in opened.items():
            for item in items:
                if not item.get("bot"):
                    self.opens[item["share_code"]] += 1
                    openers[item["share_code"]].add(visitor)
        self.openers = {code: len(visitors) for code, visitors in openers.items()}
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
