"""Workers that die while they write segments, and two that write the same ones at once."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.system import ROOT, System

pytestmark = pytest.mark.processes

DAYS, VIEWS = 4, 4_000
SUMMARY = """
import datetime as dt
from analytics.selectors.summary import get_summary
from conferences.models import Conference
found = get_summary(Conference.objects.get(id="test"), first=dt.date(2026, 5, 1), last=dt.date(2026, 5, 4))
print(found.totals.pv, found.totals.uv, [day.pv for day in found.days])
"""
SWEEP = """
import datetime as dt
from django.utils import timezone
from analytics.models import Segment
from analytics.preparing import sweep_segments
sweep_segments(now=timezone.now() + dt.timedelta(hours=2))
print(" ".join(sorted(Segment.objects.values_list("name", flat=True))))
"""


def start_rebuilding(system: System) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "manage.py", "rebuild_segments", "--conference", "test"],
        cwd=ROOT, env=system.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def files_of(system: System) -> set[str]:
    folder = system.directory / "segments"
    return {f"{path.parent.name}/{path.name}" for path in folder.rglob("*.segment")}


def test_neither_kills_nor_rivals_spoil_a_segment(system: System, tmp_path: Path) -> None:
    system.prepare()
    system.run_code(
        "from conferences.models import Conference\n"
        "Conference.objects.filter(id='test').update(time_zone='UTC')"
    )
    lines = tmp_path / "events.jsonl"
    with lines.open("w") as file:
        for number in range(VIEWS):
            event = {
                "type": "page_view", "conference_id": "test", "event_id": f"e{number}",
                "page": f"/{number % 7}", "visitor_id": f"v{number % 1000}",
                "ts": f"2026-05-0{1 + number % DAYS}T12:00:00Z",
            }  # fmt: skip
            file.write(json.dumps(event) + "\n")
    system.manage("import_events", str(lines))
    system.manage("aggregate", "--conference", "test", "--from", "2026-05-01", "--to", "2026-05-04")
    expected = f"{VIEWS} 1000 {[VIEWS // DAYS] * DAYS}"

    killed = 0
    for wait in (0.0, 0.02, 0.05, 0.1, 0.2):
        before = files_of(system)
        process = start_rebuilding(system)
        system.wait_for(
            lambda process=process, before=before: files_of(system) - before or process.poll() is not None,
            "a segment to be written",
        )
        time.sleep(wait)
        killed += process.poll() is None
        process.kill()
        process.wait()
    assert killed >= 2
    assert system.run_code(SUMMARY).strip() == expected

    rivals = [start_rebuilding(system), start_rebuilding(system)]
    for process in rivals:
        output, _ = process.communicate(timeout=120)
        assert process.returncode == 0, output.decode()[-2000:]
        assert b"4 segments made" in output
    assert system.run_code(SUMMARY).strip() == expected
    assert set(system.run_code(SWEEP).split()) == files_of(system)
