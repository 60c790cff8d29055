"""Generated lists of events, and of organizers' decisions, for the tests of the order of arrival."""

import random
from typing import Any

from hypothesis import strategies as st

from tests.sharing.cast import DAY_MS, START_MS, stands

PROVERS = dict(zip("ABCDEFGH", ["ann", "ben", "cat", "dan", "eve", "ann", "ben", "cat"], strict=True))
codes = st.sampled_from([f"code{letter}" for letter in "ABCDEFGH"])
opened_codes = st.one_of(codes, codes, codes, st.just("bad"))  # too short for a code
visitors = st.sampled_from(["ann", "ben", "cat", "dan", "eve", ""])
chains = st.one_of(st.none(), st.none(), st.lists(codes, min_size=1, max_size=3))
# Few instants make ties common. Some are a window apart.
instants = st.builds(
    lambda minute, days: START_MS + minute * 60_000 + days * DAY_MS,
    st.integers(0, 12),
    st.sampled_from([0, 0, 0, 29, 30]),
)


def _common(type: str, **fields: Any) -> Any:
    return st.fixed_dictionaries(
        {
            "type": st.just(type),
            "conference_id": st.just("summit"),
            "visitor_id": visitors,
            "ts": instants,
            "bot": st.sampled_from([False] * 9 + [True]),
            **fields,
        }
    )


# A thief chooses the event time but not the time of receipt. Few minutes make ties common.
_claim = {
    "received": st.integers(0, 30),
    "minted": st.sampled_from([False, False, True]),
    "proven": st.just(False),
}
an_event = st.one_of(
    _common("share", share_code=codes, parent_share_code=st.one_of(st.just(""), codes), **_claim),
    _common("share", share_code=codes, parent_share_code=codes, **_claim),
    # Only one visitor can prove a code: the one named in it.
    _common("share", share_code=codes, parent_share_code=st.just(""), **{**_claim, "proven": st.just(True)}),
    _common("share_open", share_code=opened_codes, attribution_chain=chains),
    _common("share_open", share_code=codes, attribution_chain=chains),
    # With few ids, several events report the same registration, and each may have only a part of it.
    _common(
        "registration",
        share_code=st.one_of(st.just(""), st.just(""), opened_codes),
        registration_id=st.sampled_from(["", "", "r1", "r2", "r3"]),
    ),
    _common("registration", share_code=st.just(""), registration_id=st.just(""), held=st.booleans()),
    _common(
        "registration",
        share_code=opened_codes,
        registration_id=st.sampled_from(["r1", "r2", "r3"]),
        held=st.booleans(),
        confirmed=st.booleans(),
    ),
    st.builds(
        stands,
        st.sampled_from(["r1", "r2", "r3"]),
        st.integers(1, 4),
        st.booleans(),
        st.sampled_from(["state", "void"]),
    ),
    _common("minted", share_code=codes),
)
some_events = st.lists(an_event, min_size=1, max_size=40)
# An organizer voids links and sharers, and undoes it: (what, kind, key). Registrations are voided by events.
sharers = st.sampled_from(["ann", "ben", "cat", "dan", "eve", "user:1", "user:2"])
a_decision = st.tuples(
    st.sampled_from(["void", "void", "undo"]),
    st.one_of(st.tuples(st.just("link"), codes), st.tuples(st.just("sharer"), sharers)),
)
some_decisions = st.lists(a_decision, max_size=8)


def name_events(events: list[dict[str, Any]], seed: int) -> list[dict[str, Any]]:
    """Give the events ids whose order is independent of time. A registration without an id stays separate,
    and no code is minted twice."""
    ids = [f"{number:03}" for number in range(len(events))]
    random.Random(seed).shuffle(ids)
    named = []
    minted = set()
    versions = set()
    for sent, name in zip(events, ids, strict=True):
        if sent["type"] == "registration_standing":
            if sent["event_id"] not in versions:  # a version has one meaning
                named.append(sent)
            versions.add(sent["event_id"])
            continue
        event = {**sent, "event_id": f"own:{name}" if sent.get("confirmed") else name}
        if event.get("proven"):
            event["visitor_id"] = PROVERS[event["share_code"][-1]]
        if event["type"] == "registration":
            event["registration_id"] = event["registration_id"] or f"r{name}"
        elif event["type"] == "minted":
            if event["share_code"] in minted:
                continue
            minted.add(event["share_code"])
            event["visitor_id"] = f"user:{1 + len(event['visitor_id']) % 2}"
        named.append(event)
    return named


def in_deliveries(events: list[dict[str, Any]], chance: random.Random) -> list[list[dict[str, Any]]]:
    """Shuffle the events, repeat some, and split them into deliveries of random sizes."""
    repeated = events + chance.sample(events, len(events) // 3)
    chance.shuffle(repeated)
    deliveries = []
    while repeated:
        size = chance.randint(1, 8)
        unique = {sent["event_id"]: sent for sent in repeated[:size]}  # as the pipeline does
        deliveries.append(list(unique.values()))
        repeated = repeated[size:]
    return deliveries
