"""Bad input and workers killed with -9, with real processes and through HTTP."""

import itertools
import time
from typing import Any

import pytest

from tests.sharing.plain import PlainTree
from tests.support.crashing.apps import DAYS_MARKED, STORED, TREE_WRITTEN
from tests.support.share_events import share_events
from tests.support.system import System

pytestmark = pytest.mark.processes
GOOD = "A1b2C3d4E5f6G7h8"


def event(type: str, number: int, **fields: Any) -> dict[str, Any]:
    return {
        "type": type, "conference_id": "test", "visitor_id": f"visitor-{number}",
        "ts": int(time.time() * 1000) - 60_000 + number, "event_id": f"event-{number}", **fields,
    }  # fmt: skip


def test_a_batch_with_bad_codes_keeps_its_good_events(system: System) -> None:
    system.start("web", "events")
    system.run_code(
        "from conferences.models import Conference;"
        "Conference.objects.create(id='other', name='Other', time_zone='Asia/Shanghai')"
    )
    bad = [
        (event("share", 1, share_code="späti-späti"), "share_code"),
        (event("share", 2, share_code="abc"), "share_code"),
        (event("share_open", 3, share_code="x" * 17), "share_code"),
    ]
    good = [
        event("share", 5, share_code=GOOD),
        # The code is of another conference: an event like any other, which credits nobody.
        event("share", 6, share_code="of-another-one", conference_id="other"),
        event("share_open", 7, share_code="of-another-one"),
        event(
            "registration", 7, event_id="r7", ts=int(time.time() * 1000), registration_id="r7", form_id="f"
        ),
        event("share_open", 8, share_code=GOOD),
        # A chain that is too long is left out: it is a hint, the open counts.
        event("share_open", 4, share_code=GOOD, attribution_chain=["abcdefgh"] * 1001),
        event(
            "registration", 8, event_id="r8", ts=int(time.time() * 1000), registration_id="r8", form_id="f"
        ),
    ]
    answer = system.post([sent for pair in itertools.zip_longest([sent for sent, _ in bad], good)
                          for sent in pair if sent])  # fmt: skip
    assert answer.status_code == 202
    assert answer.json()["accepted"] == len(good)
    assert [(item["index"], item["code"]) for item in answer.json()["rejected"]] == [
        (index, "invalid_field") for index in (0, 2, 4)
    ]
    assert [item["field"] for item in answer.json()["rejected"]] == [field for _, field in bad]

    huge = system.post([event("share_open", 9, share_code=GOOD, attribution_chain=["x" * 2**20])])
    assert huge.status_code == 413
    assert huge.json()["error"]["code"] == "too_large"

    def credited() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = system.get("/api/sharing/conversions", conference_id="test")["results"]
        return found

    (conversion,) = system.wait_for(credited, "the good registration's credit")
    assert [item["code"] for item in conversion["credits"]] == [GOOD]
    (link,) = system.get("/api/sharing/tree", conference_id="test")["results"]
    assert (link["code"], link["opens"]) == (GOOD, 2)
    refused = system.get("/api/sharing/conversions/r7", conference_id="test")["not_credited"]
    assert [(item["code"], item["reason"]) for item in refused] == [("of-another-one", "foreign_code")]


def test_killed_workers_leave_a_correct_tree(system: System) -> None:
    system.environment["DJANGO_SETTINGS_MODULE"] = "tests.support.crashing.settings"
    system.start("web", "events", "beat")
    events = [
        {name: value for name, value in sent.items() if name != "bot"}
        for sent in share_events(links=40, seed=3, opens_per_link=6, hours=1)
    ]
    late_ms = int(time.time() * 1000) - 2 * 3_600_000 - events[0]["ts"]
    events = [{**sent, "ts": sent["ts"] + late_ms} for sent in events]
    points = (STORED, TREE_WRITTEN, DAYS_MARKED)
    size = -(-len(events) // len(points))
    # Later batches come first, so links arrive after the events that refer to them.
    for point, start in zip(points, range(size * (len(points) - 1), -1, -size), strict=True):
        crash_file = system.directory / "crash-at"
        crash_file.write_text(point)
        assert system.post(events[start : start + size]).json()["rejected"] == []
        system.wait_for(lambda file=crash_file: not file.exists(), f"a crash {point}", seconds=30)
    system.wait_for(lambda: system.redis().xlen("stream:analytics.events") == 0, "an empty stream")

    plain = PlainTree(events)
    assert len(plain.credits) > 10

    def all_of(path: str) -> list[dict[str, Any]]:
        found, cursor = [], ""
        while cursor is not None:
            page = system.get(path, conference_id="test", page_size=100, cursor=cursor)
            found += page["results"]
            cursor = page["next"]
        return found

    credits = {
        item["registration_id"]: [credit["code"] for credit in item["credits"]]
        for item in all_of("/api/sharing/conversions")
    }
    assert credits == {key: [code for code, _ in chain] for key, chain in plain.credits.items()}
    links = {item["code"]: item for item in all_of("/api/sharing/links")}
    assert {code: item["parent"] for code, item in links.items()} == plain.parents
    for code, item in links.items():
        assert (item["opens"], item["openers"], item["direct"], item["assisted"]) == (
            plain.opens[code], plain.openers.get(code, 0), plain.direct[code], plain.assisted[code],
        )  # fmt: skip
        below = plain.below(code)
        assert item["subtree_links"] == len(below)
