"""SQLite's log stays small while two imports write without pause."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.forks import ROOT
from tests.support.system import System

LINES = 40_000
MB = 1024 * 1024


def write_lines(path: Path, name: str) -> None:
    now_ms = round(time.time() * 1000)
    with path.open("w") as file:
        for number in range(LINES):
            event = {
                "type": "page_view", "conference_id": "test", "event_id": f"{name}-{number}", "page": "/",
                "visitor_id": f"{name}-{number % 100}", "ts": now_ms - number * 100,
            }  # fmt: skip
            file.write(json.dumps(event) + "\n")


def highest_log(system: System, name: str, limit_mb: int) -> float:
    """The largest size of the log, in MB, while two processes import new events."""
    files = [system.directory / f"{name}{number}.jsonl" for number in range(2)]
    for file in files:
        write_lines(file, file.stem)
    importers = [
        subprocess.Popen(
            [sys.executable, "manage.py", "import_events", str(file), "--no-progress"],
            cwd=ROOT, env={**system.environment, "SQLITE_LOG_MB": str(limit_mb)},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )
        for file in files
    ]  # fmt: skip
    log = system.directory / "meeteasy.sqlite3-wal"
    highest = 0
    while any(importer.poll() is None for importer in importers):
        highest = max(highest, log.stat().st_size if log.exists() else 0)
        time.sleep(0.02)
    for importer in importers:
        output = importer.communicate()[0].decode()
        assert f"{LINES} events stored" in output, output
    return highest / MB


@pytest.mark.processes
def test_the_log_stays_small_with_two_importers(system: System) -> None:
    system.prepare()
    # A transaction of an import writes some 3 MB, and each importer notices only after its own.
    bounded = highest_log(system, "bounded", 2)
    assert bounded < 20
    assert highest_log(system, "control", 4096) > 1.5 * bounded
