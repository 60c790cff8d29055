"""A seeded generator of shares, opens and registrations, as clients send them.

Used by benchmarks/sharing.py and, with the same seed, by the test that compares the credits of 100,000 links
with those of a plain implementation.
"""

import random
from collections.abc import Iterator
from typing import Any

START_MS = 1_777_600_000_000
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def make_code(chance: random.Random) -> str:
    """16 characters of base64url, as the SDK makes them."""
    return "".join(chance.choices(_ALPHABET, k=16))


def share_events(
    *, links: int, seed: int = 1, conference_id: str = "test", opens_per_link: int = 10,
    depth: int | None = None, hours: float = 200,
) -> Iterator[dict[str, Any]]:  # fmt: skip
    """Events in the order of time: for every link a share and `opens_per_link` opens; of 100 who open, 8
    register.

    Sharers pass on what they opened: a link's parent is one of the last links that its sharer could have
    seen. Some things happen that the rules are for: sharers with several links, registrants who opened their
    own, unknown codes, bots, a code claimed twice.

    depth: parents are chosen so that chains of this length come out; None: any link may be the parent, which
        makes trees of a depth that grows with the logarithm of their size.
    hours: how long it all takes.
    """
    chance = random.Random(seed)
    codes: list[str] = []
    levels: list[int] = []
    ms: float = START_MS
    step_ms = hours * 3_600_000 / (links * (opens_per_link + 2))
    number = 0

    def event(type: str, visitor: str, **fields: Any) -> dict[str, Any]:
        nonlocal ms, number
        ms += step_ms
        number += 1
        return {
            "type": type, "conference_id": conference_id, "visitor_id": visitor, "ts": int(ms),
            "event_id": f"{int(ms):013}-{chance.getrandbits(64):016x}", **fields,
        }  # fmt: skip

    for index in range(links):
        code = make_code(chance)
        # One in ten shares several times.
        sharer = f"v{chance.randrange(max(1, index // 10)) if chance.random() < 0.1 else index}"
        parent = None
        if codes and chance.random() > 0.001:
            if depth is None:
                parent = chance.randrange(len(codes))
            else:
                parent = len(codes) - 1 if levels[-1] < depth - 1 else chance.randrange(len(codes))
                while levels[parent] >= depth - 1:
                    parent = chance.randrange(len(codes))
        shared = event("share", sharer, share_code=code, channel="wechat")
        if parent is not None:
            shared["parent_share_code"] = codes[parent]
        yield shared
        codes.append(code)
        levels.append(0 if parent is None else levels[parent] + 1)
        for _ in range(opens_per_link):
            opened = codes[chance.randrange(max(0, len(codes) - 1000), len(codes))]
            odd = chance.random()
            visitor = f"w{chance.getrandbits(48):012x}" if odd > 0.02 else sharer
            if odd > 0.99:
                opened = make_code(chance)  # nobody's
            yield event(
                "share_open", visitor, share_code=opened, **({"bot": True} if 0.98 < odd < 0.985 else {})
            )
            if chance.random() < 0.08:
                yield event(
                    "registration", visitor, registration_id=f"r{number}", form_id="form", share_code=opened
                )
        if chance.random() < 0.005:
            yield event("share", f"thief{index}", share_code=code, parent_share_code=codes[0])
