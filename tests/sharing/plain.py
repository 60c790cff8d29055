"""A second, plain implementation of the rules, written for clarity and not for speed.

It follows docs/definitions.md and shares nothing with the code under test. It takes the whole list of events
as clients send them, sorts it by event time, and reads it once.
"""

from collections import defaultdict
from collections.abc import Collection
from typing import Any

DAY_MS = 86_400_000
START_MS = 1_777_600_000_000


def received(event: dict[str, Any]) -> tuple[float, int, str]:
    """The sort key of claims by time of receipt."""
    at = event["ts"] if "received" not in event else START_MS + event["received"] * 60_000
    return (at, event["ts"], event["event_id"])


def merge_registrations(in_time: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Merge the events of each registration, with `against`: why it does not count, or "".

    Confirmed events decide; without them, reports; without those, held reports. The first deciding event sets
    the time. The visitor and the code come from the first deciding event that has them.
    """
    of_each: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for event in in_time:
        if event["type"] == "registration" and not event.get("bot"):
            of_each[event["registration_id"]].append(event)
    merged = {}
    for registration_id, events in of_each.items():
        confirmed = [event for event in events if event["event_id"].startswith("own:")]
        reported = [event for event in events if not event.get("held")]
        deciding = confirmed or reported or events
        merged[registration_id] = {
            **deciding[0],
            "visitor_id": next((event["visitor_id"] for event in deciding if event["visitor_id"]), ""),
            "share_code": next((event["share_code"] for event in deciding if event.get("share_code")), ""),
            "against": "" if confirmed or reported else "held",
        }
    return merged


def find_withdrawn(in_time: list[dict[str, Any]]) -> set[str]:
    """The registrations that do not stand according to the highest version of either source."""
    latest: dict[tuple[str, str], tuple[int, bool]] = {}
    for event in in_time:
        if event["type"] == "registration_standing":
            key = (event["registration_id"], event["source"])
            latest[key] = max(latest.get(key, (0, True)), (event["version"], event["stands"]))
    return {registration_id for (registration_id, _), (_, stands) in latest.items() if not stands}


class PlainTree:
    """The tree and the credits of a list of events.

    parents: link → parent or None; flagged: links whose claim closed a cycle; contested: links that
    another visitor also claimed; shared: link → UTC ms from which it counts as shared, or None; registered:
    registration → (ms, event id, visitor, code); credits: registration → [(code, distance)], nearest first;
    refused: registration → {(code, reason)}; opens, openers, direct, assisted, below: counts by code.

    voids: the links and sharers that an organizer voided, as ("link", code) and ("sharer", who).
    void: the links that are void because of it. confirmed: the registrations with a confirmed event.

    An event of the type `minted` stands for a link that the server made. Each event without a visitor counts
    as another person. Of a repeated event only the first copy in the list counts.
    """

    def __init__(
        self,
        events: list[dict[str, Any]],
        *,
        window_days: int = 30,
        voids: Collection[tuple[str, str]] = (),
    ) -> None:
        once: dict[str, dict[str, Any]] = {}
        for event in events:
            once.setdefault(event["event_id"], event)
        in_time = sorted(once.values(), key=lambda event: (event["ts"], event["event_id"]))
        self.sharers: dict[str, str] = {}
        self.parents: dict[str, str | None] = {}
        self.flagged: set[str] = set()
        self.contested: set[str] = set()
        self.registered: dict[str, tuple[int, str, str, str]] = {}
        self.credits: dict[str, list[tuple[str, int]]] = {}
        self.refused: dict[str, set[tuple[str, str]]] = defaultdict(set)
        first: dict[str, tuple[int, str]] = {}
        opened: dict[str, list[dict[str, Any]]] = defaultdict(list)  # visitor → what they opened
        opens_of: dict[str, list[tuple[str, dict[str, Any]]]] = defaultdict(list)  # code → (visitor, open)

        # The owner of a code comes from the minted claim, else a proven one, else the first received.
        claimed: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for event in in_time:
            who = event["visitor_id"] or f"anonymous:{event['event_id']}"
            if event["type"] == "minted" or (event["type"] == "share" and not event.get("bot")):
                claimed[event["share_code"]].append({**event, "who": who})
            elif event["type"] == "share_open":
                opened[who].append(event)
                opens_of[event["share_code"]].append((who, event))
        for claims_to in claimed.values():
            claims_to.sort(key=received)
        claims: dict[str, tuple[str, tuple[int, str]]] = {}  # code → (claimed parent, when)
        automatic: set[str] = set()
        self.shared: dict[str, int | None] = {}
        for code, claims_to in claimed.items():
            minted = [claim for claim in claims_to if claim["type"] == "minted"]
            proven = [claim for claim in claims_to if claim.get("proven")]
            winner = (minted or proven or claims_to)[0]
            self.sharers[code] = winner["who"]
            first[code] = (winner["ts"], winner["event_id"])
            if any(claim["who"] != winner["who"] for claim in claims_to):
                self.contested.add(code)
            if winner.get("parent_share_code"):
                claims[code] = (winner["parent_share_code"], first[code])
            self.shared[code] = winner["ts"]
            if winner.get("minted"):
                automatic.add(code)
                shared = [c["ts"] for c in claims_to if c["who"] == winner["who"] and not c.get("minted")]
                shared += [
                    item["ts"]
                    for visitor, item in opens_of[code]
                    if not item.get("bot") and visitor != winner["who"]
                ]
                self.shared[code] = min(shared, default=None)

        self.void = {
            code
            for code, sharer in self.sharers.items()
            if ("link", code) in voids or ("sharer", sharer) in voids
        }
        registered = merge_registrations(in_time)
        self.confirmed = {
            event["registration_id"]
            for event in in_time
            if event["type"] == "registration"
            and not event.get("bot")
            and event["event_id"].startswith("own:")
        }
        withdrawn = find_withdrawn(in_time)

        # Claims go in order of time. A claim whose parent is below its own link closes a cycle.
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
            oldest = event["ts"] - window_days * DAY_MS

            def problem(code: str, now: tuple[int, str] = now) -> str:
                if len(code) < 4:
                    return "malformed_code"
                if code not in first:
                    return "unknown_code"
                return "" if first[code] < now else "shared_later"

            before = [
                item
                for item in reversed(opened[visitor] if visitor else [])
                if (item["ts"], item["event_id"]) < now
            ]
            human = [item for item in before if not item.get("bot")]
            too_old = {item["share_code"] for item in human if item["ts"] < oldest}
            counting = [item for item in human if item["ts"] >= oldest and not problem(item["share_code"])]
            theirs = [item for item in counting if self.sharers[item["share_code"]] != visitor]
            own = [item for item in counting if self.sharers[item["share_code"]] == visitor]
            touch_item = theirs[0] if theirs else None
            touch = touch_item and touch_item["share_code"]
            code = event.get("share_code")
            if touch is None:
                own_code = own[0]["share_code"] if own else None
                own_item = own[0] if own else None
                if code:
                    if reason := problem(code):
                        refused.add((code, reason))
                    elif visitor and self.sharers[code] == visitor:
                        own_code = own_code or code
                    elif code in too_old:
                        refused.add((code, "outside_window"))
                    else:
                        touch = code
                if touch is None and own_code:
                    brought: str | None = own_code
                    while brought is not None and self.sharers[brought] == visitor and first[brought] < now:
                        brought = self.parents[brought]
                    if brought is not None and brought in too_old and self.sharers[brought] != visitor:
                        refused |= {(own_code, "self_referral"), (brought, "outside_window")}
                    else:
                        touch, touch_item = own_code, own_item
            for item in before[:50]:
                if item is touch_item:
                    break
                named = item["share_code"]
                if item.get("bot"):
                    refused.add((named, "bot"))
                elif item["ts"] < oldest:
                    if touch is None:
                        refused.add((named, "outside_window"))
                else:
                    refused.add((named, problem(named) or "self_referral"))
            believed = touch_item and touch_item.get("attribution_chain")
            against = event["against"] if registration_id not in withdrawn else "withdrawn"
            if touch is not None and against:
                refused.add((touch, against))
                continue
            nearest = touch
            chain = []
            way: list[str] = []
            credited = set()
            while touch is not None and first[touch] < now and len(way) < 100:
                way.append(touch)
                sharer = self.sharers[touch]
                if sharer == visitor:
                    refused.add((touch, "self_referral"))
                elif touch in self.void:
                    refused.add((touch, "voided"))
                elif sharer in credited:
                    refused.add((touch, "sharer_already_credited"))
                else:
                    credited.add(sharer)
                    chain.append((touch, len(way)))
                touch = self.parents[touch]
            if touch is not None:
                refused.add((touch, "beyond_depth" if len(way) == 100 else "shared_later"))
            if nearest is not None and believed and believed != way[::-1]:
                refused.add((nearest, "chain_contradicts_tree"))
            if chain:
                self.credits[registration_id] = chain

        self.opens: dict[str, int] = defaultdict(int)
        openers = defaultdict(set)
        for visitor, items in opened.items():
            for item in items:
                if not item.get("bot") and visitor != self.sharers.get(item["share_code"]):
                    self.opens[item["share_code"]] += 1
                    openers[item["share_code"]].add(visitor)
        self.openers = {code: len(visitors) for code, visitors in openers.items()}
        self.direct: dict[str, int] = defaultdict(int)
        self.assisted: dict[str, int] = defaultdict(int)
        for chain in self.credits.values():
            for place, (code, _distance) in enumerate(chain):
                (self.assisted if place else self.direct)[code] += 1

    def below(self, code: str) -> list[str]:
        """The links in the subtree of `code`, without itself. For small trees."""
        found, look = [], [code]
        while look:
            above = look.pop()
            children = [child for child, parent in self.parents.items() if parent == above]
            found += children
            look += children
        return found
