"""The published Node SDKs against the running system."""

import shutil
import subprocess
from pathlib import Path

import msgspec
import pytest

from tests.sdks.conftest import WEBSITE, Stored
from tests.sdks.wire import Wire

HERE = Path(__file__).resolve().parent

pytestmark = [
    pytest.mark.processes,
    pytest.mark.skipif(
        shutil.which("node") is None or not (HERE / "node_modules" / "installed").exists(),
        reason="Node or the SDKs of tests/sdks are not installed (bin/test installs them where npm is)",
    ),
]


def run(program: str, *arguments: str) -> str:
    result = subprocess.run(
        ["node", program, *arguments], cwd=HERE, capture_output=True, text=True, timeout=60, check=False
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.mark.parametrize(("program", "prefix"), [("segment-node", "sn"), ("rudder-node", "rn")])
def test_each_event_is_stored_once_and_sent_once(
    program: str, prefix: str, wire: Wire, write_key: str, stored: Stored
) -> None:
    run(f"{program}.mjs", wire.url, write_key)

    view, registration = stored(2)
    assert (view["event_id"], view["page"]) == (f"{prefix}-page", "/agenda")
    assert view["visitor_id"] == registration["visitor_id"] == f"visitor-{program}"
    assert (registration["event_id"], registration["form_id"]) == (f"{prefix}-track", "vip")
    assert {(post.path, post.status) for post in wire.posts()} == {("/v1/batch", 200)}
    on_the_wire = [message["messageId"] for post in wire.posts() for message in post.decoded()["batch"]]
    assert len(on_the_wire) == len(set(on_the_wire)), "nothing was sent again"
    assert {f"{prefix}-page", f"{prefix}-track", f"{prefix}-identify"} <= set(on_the_wire)
    assert "ann@example.com" not in repr([view, registration])


def test_umamis_client_is_answered_as_it_expects(wire: Wire, stored: Stored) -> None:
    printed = run("umami-node.mjs", wire.url, WEBSITE)

    view, registration = stored(2)
    assert (view["page"], view["title"]) == ("/agenda", "Agenda")
    assert (registration["type"], registration["form_id"]) == ("registration", "vip")
    assert [post.status for post in wire.posts()] == [200, 200, 200]
    answers = [msgspec.json.decode(line) for line in printed.splitlines()]
    assert all({"cache", "sessionId", "visitId"} == set(answer) for answer in answers)


def test_the_lock_names_no_registry() -> None:
    lock = (HERE / "package-lock.json").read_text()
    assert '"resolved"' not in lock
    assert msgspec.json.decode(lock)["packages"][""]["dependencies"].keys() == {
        "@plausible-analytics/tracker",
        "@rudderstack/rudder-sdk-node",
        "@segment/analytics-next",
        "@segment/analytics-node",
        "@umami/node",
    }
