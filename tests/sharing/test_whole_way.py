"""A, B and C through HTTP from outside, on real processes; and workers that die in between."""

import time

import pytest

from tests.system import System

A, B = "A1b2C3d4E5f6G7h8", "q7Jm0Zt4Yc2VbK9w"


@pytest.mark.processes
def test_a_shares_b_shares_on_and_c_registers_so_both_are_credited(system: System) -> None:
    system.start("web", "events", "daily", "beat")
    now = int(time.time() * 1000) - 60_000

    def event(type: str, seconds: int, visitor: str, **fields: object) -> dict[str, object]:
        common = {"type": type, "conference_id": "test", "visitor_id": visitor}
        return {**common, "ts": now + seconds * 1000, "event_id": f"{type}-{visitor}", **fields}

    share_a = event("share", 0, "visitor-a", share_code=A, channel="wechat")
    open_b = event("share_open", 1, "visitor-b", share_code=A)
    share_b = event("share", 2, "visitor-b", share_code=B, parent_share_code=A, channel="mail")
    open_c = event("share_open", 3, "visitor-c", share_code=B, attribution_chain=[A, B])
    registration = event(
        "registration", 4, "visitor-c", form_id="early-bird", registration_id="reg-c", share_code=B
    )
    # The child before its parent, the registration before both, and some of it twice.
    for batch in ([registration, open_c], [share_b, open_b], [share_a], [registration, share_a]):
        assert system.post(batch).status_code == 202

    token = system.token()

    def look(path: str, **params: object) -> dict:  # type: ignore[type-arg]
        return system.get(f"/api/sharing/{path}", token=token, conference_id="test", **params)

    def both_credited() -> dict | None:  # type: ignore[type-arg]
        found = look("conversions")
        return found if found["totals"]["credits"] == 2 else None

    answer = system.wait_for(both_credited, "both credits")
    assert answer["totals"] == {"share_conversions": 1, "credits": 2}
    assert [(item["code"], item["kind"]) for item in answer["results"][0]["credits"]] == [
        (B, "direct"),
        (A, "assisted"),
    ]
    (root,) = look("tree", depth=2)["results"]
    assert (root["code"], root["sharer"], root["parent"]) == (A, "visitor-a", None)
    assert (root["opens"], root["shared_on"], root["direct"], root["assisted"]) == (1, 1, 0, 1)
    assert (root["subtree_links"], root["subtree_conversions"]) == (1, 1)
    (child,) = root["children"]
    assert (child["code"], child["sharer"], child["parent"]) == (B, "visitor-b", A)
    assert (child["opens"], child["direct"], child["assisted"]) == (1, 1, 0)

    def counted() -> bool:
        days = system.get("/api/analytics/daily", token=token, conference_id="test")["results"]
        # One day or, around midnight, two.
        return [sum(day[name] for day in days) for name in ("shares", "share_conversions")] == [2, 1]

    system.wait_for(counted, "the day's shares and share conversions")


@pytest.mark.processes
def test_bad_input_is_rejected_by_name_and_the_rest_of_the_batch_counts(system: System) -> None:
    system.start("web", "events")
    common = {"conference_id": "test", "visitor_id": "v"}
    bad = [
        {**common, "type": "share", "share_code": "späti-späti"},
        {**common, "type": "share", "share_code": "abc"},
        {**common, "type": "share_open", "share_code": "x" * 17},
        {**common, "type": "share", "share_code": "good-code", "parent_share_code": "not good"},
        {**common, "type": "share_open", "share_code": A, "attribution_chain": ["x" * 8] * 1001},
        {**common, "type": "share_open", "share_code": A, "attribution_chain": ["x" * 400_000]},
        {**common, "type": "share_open", "share_code": f"s.{A}.forged"},
    ]
    good = {**common, "type": "share", "share_code": A}
    answer = system.post([*bad, good])
    assert answer.status_code == 202
    assert answer.json()["accepted"] == 1
    rejected = answer.json()["rejected"]
    assert [item["index"] for item in rejected] == list(range(len(bad)))
    assert {item["code"] for item in rejected} == {"invalid_field"}
    assert [item["field"] for item in rejected] == [
        "share_code", "share_code", "share_code", "parent_share_code", "attribution_chain",
        "attribution_chain[...]", "share_code",
    ]  # fmt: skip

    too_large = system.post(
        [{**common, "type": "share_open", "share_code": A, "attribution_chain": ["x" * 2**20]}]
    )
    assert (too_large.status_code, too_large.json()["error"]["code"]) == (413, "too_large")

    token = system.token()
    system.wait_for(
        lambda: system.get("/api/sharing/links", token=token, conference_id="test")["results"], "the good one"
    )


@pytest.mark.processes
def test_a_worker_that_is_killed_at_any_moment_loses_and_doubles_nothing(system: System) -> None:
    system.start("web", "events")
    now = int(time.time() * 1000) - 3_600_000
    chain = [f"chain-{number:06}" for number in range(400)]
    events = []
    for number, code in enumerate(chain):
        common = {"conference_id": "test", "ts": now + number * 1000}
        share = {"type": "share", "visitor_id": f"v{number}", "share_code": code, "event_id": f"s{number:06}"}
        if number:
            share["parent_share_code"] = chain[number - 1]
        reg = {
            "type": "registration", "visitor_id": f"r{number}", "form_id": "f", "registration_id": f"r{number}",
            "share_code": code, "event_id": f"t{number:06}", "conference_id": "test", "ts": now + 1_000_000,
        }  # fmt: skip
        events += [{**common, **share}, reg]
    for start in range(0, len(events), 50):
        assert system.post(events[::-1][start : start + 50]).status_code == 202
        if start % 200 == 150:
            system.kill("events")
            system.start("events")

    token = system.token()

    def done() -> bool:
        found = system.get("/api/sharing/conversions", token=token, conference_id="test", page_size=1)
        return bool(found["totals"] == {"share_conversions": 400, "credits": 400 * 401 // 2})

    system.wait_for(done, "all credits", seconds=120)
    (root,) = system.get("/api/sharing/tree", token=token, conference_id="test")["results"]
    assert (root["subtree_links"], root["subtree_conversions"]) == (399, 400)
    assert (root["direct"], root["assisted"]) == (1, 399)
