"""Conversions on the live socket: every change of state and the progress, without the file's name."""

import pytest

from tests.conversion import documents
from tests.conversion.conftest import needs_sandbox
from tests.conversion.test_killed_worker import upload
from tests.live.client import OpenLive
from tests.support.system import System

pytestmark = [pytest.mark.processes, needs_sandbox]


def test_members_watch_a_conversion_on_the_live_socket(system: System, open_live: OpenLive) -> None:
    system.start("web", "files")
    client = open_live(system, token=system.token())
    client.wait_for("snapshot")
    job_id = upload(system, documents.make_pdf(["a", "b", "c"]), name="agenda.pdf", target="pages")
    seen = [client.wait_for("conversion")["conversion"]]
    while seen[-1]["status"] not in ("done", "failed"):
        seen.append(client.wait_for("conversion", seconds=60)["conversion"])
    assert {row["id"] for row in seen} == {job_id}
    assert [row["status"] for row in seen if row["status"] != "running"] == ["queued", "done"]
    assert seen[-1]["pages_done"] == 3
    assert "agenda" not in str(client.messages)
