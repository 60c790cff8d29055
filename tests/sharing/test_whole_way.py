"""The story of A, B and C through HTTP, with real processes."""

import time

import pytest

from tests.support.system import System

A, B = "A1b2C3d4E5f6G7h8", "q7Jm0Zt4Yc2VbK9w"


@pytest.mark.processes
def test_a_registration_credits_both_sharers_of_a_chain(system: System) -> None:
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
    # The child arrives before its parent, the registration before both, and some events twice.
    for batch in ([registration, open_c], [share_b, open_b], [share_a], [registration, share_a]):
        assert system.post(batch).status_code == 202

    token = system.token()

    def look(path: str, **params: object) -> dict:  # type: ignore[type-arg]
        return system.get(f"/api/sharing/{path}", token=token, conference_id="test", **params)

    def both_credited() -> dict | None:  # type: ignore[type-arg]
        found = look("conversions")
        return found if found["totals"]["credits"] == 2 else None

    answer = system.wait_for(both_credited, "both credits")
    assert answer["totals"] == {"share_conversions": 1, "registrations_reported": 1, "credits": 2}
    assert [(item["code"], item["kind"]) for item in answer["results"][0]["credits"]] == [
        (B, "direct"),
        (A, "assisted"),
    ]
    (root,) = look("tree", depth=2)["results"]
    assert (root["code"], root["sharer"], root["parent"]) == (A, "visitor-a", None)
    assert (root["opens"], root["child_count"], root["direct"], root["assisted"]) == (1, 1, 0, 1)
    assert (root["subtree_links"], root["subtree_conversions"]) == (1, 1)
    (child,) = root["children"]
    assert (child["code"], child["sharer"], child["parent"]) == (B, "visitor-b", A)
    assert (child["opens"], child["direct"], child["assisted"]) == (1, 1, 0)

    def counted() -> bool:
        days = system.get("/api/analytics/daily", token=token, conference_id="test")["results"]
        # One day or, around midnight, two.
        return [sum(day[name] for day in days) for name in ("shares", "share_conversions")] == [2, 1]

    system.wait_for(counted, "the day's shares and share conversions")
