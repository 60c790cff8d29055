"""Bad events are rejected with a named error, and the rest of the batch counts."""

from typing import Any

import msgspec
import pytest

from analytics.events.batch import to_rows
from analytics.events.clock import now_ms
from analytics.events.validation import Client, read_batch
from tests.sharing.cast import share

GOOD = "A1b2C3d4E5f6G7h8"


def read(*events: dict[str, Any]) -> tuple[list[Any], list[Any]]:
    client = Client(now_ms(), is_bot=False, visitor_id=lambda conference_id: "somebody")
    body = msgspec.json.encode({"events": events})
    batch, rejections, *_ = read_batch(body, client, max_events=500, acceptance_days=None)
    return to_rows(batch), rejections


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"type": "share", "share_code": "späti-späti"}, "share_code"),
        ({"type": "share", "share_code": "abc"}, "share_code"),
        ({"type": "share", "share_code": GOOD + "\n"}, "share_code"),
        ({"type": "share_open", "share_code": "x" * 17}, "share_code"),
        ({"type": "share_open", "share_code": f"s.{GOOD}.forged"}, "share_code"),
    ],
)
def test_only_events_with_bad_codes_are_rejected(fields: dict[str, Any], field: str) -> None:
    bad = {"conference_id": "summit", "visitor_id": "v", **fields}
    rows, (rejection,) = read(share(1, "v", GOOD), bad, share(2, "v", "other-one"))
    assert [row.subject for row in rows] == [GOOD, "other-one"]
    assert (rejection.index, rejection.code) == (1, "invalid_field")
    assert rejection.field.startswith(field)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"type": "share", "share_code": GOOD, "parent_share_code": "a/b/c"}, "parent_share_code"),
        ({"type": "share_open", "share_code": GOOD, "attribution_chain": ["xx"] * 1001}, "attribution_chain"),
        ({"type": "share_open", "share_code": GOOD, "attribution_chain": ["x" * 2**20]}, "attribution_chain"),
    ],
)
def test_a_bad_hint_is_ignored(fields: dict[str, Any], field: str) -> None:
    (row,), rejections = read({"conference_id": "summit", "visitor_id": "v", **fields})

    assert rejections == []
    assert row.decode_data() == {"share_code": GOOD}


@pytest.mark.parametrize("code", ["q7Jm0Zt4Yc2", GOOD, "____----", f"s.{GOOD}.{'x' * 43}"])
def test_codes_of_every_valid_form_are_accepted(code: str) -> None:
    rows, rejections = read(share(1, "v", code, event_id="e"))
    assert (len(rows), rejections) == (1, [])
