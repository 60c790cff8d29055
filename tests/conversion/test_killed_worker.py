"""kill -9 of a worker, of what it started and of LibreOffice itself, while a real document is converted."""

import os
import sqlite3
import tempfile
import time
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from tests.conversion import documents
from tests.conversion.conftest import needs_libreoffice, needs_sandbox
from tests.support.system import System

pytestmark = [pytest.mark.processes, pytest.mark.faults, needs_sandbox, needs_libreoffice]


def upload(system: System, content: bytes, *, name: str = "agenda.docx", target: str = "pdf") -> str:
    answer = system.http.post(
        "/api/conversions", data={"conference_id": "test", "target": target}, files={"file": (name, content)},
        headers={"Authorization": f"Token {system.token()}"},
    )  # fmt: skip
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def read_row(system: System, job_id: str) -> dict[str, Any]:
    with closing(sqlite3.connect(system.directory / "meeteasy.sqlite3")) as database:
        database.row_factory = sqlite3.Row
        row = database.execute("SELECT * FROM conversion_conversionjob WHERE id = ?", [job_id]).fetchone()
        return dict(row)


def processes_of(system: System) -> list[psutil.Process]:
    """What conversions of this system run: bubblewrap and all that is inside. They carry no environment, so
    their ancestors say whose they are, or that these are gone."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.name() in (
                "bwrap",
                "soffice.bin",
                "oosplash",
            ) or "conversion.programs.work" in " ".join(process.cmdline()):
                found.append(process)
        except psutil.Error:
            continue
    return found


def wait_for_libreoffice(system: System) -> psutil.Process:
    def look() -> psutil.Process | None:
        return next((one for one in processes_of(system) if one.name() == "soffice.bin"), None)

    return system.wait_for(look, "LibreOffice to run", seconds=60, every=0.02)


def wait_until_nothing_is_left(system: System, before: set[str]) -> None:
    system.wait_for(lambda: processes_of(system) == [], "all processes to be gone", seconds=5)
    assert set(os.listdir(tempfile.gettempdir())) - before == set()


@pytest.fixture
def converting(system: System) -> tuple[System, str, set[str]]:
    """A system whose worker is at a long document: (system, job, temporary files before)."""
    system.start("web", "files", "beat")
    before = set(os.listdir(tempfile.gettempdir()))
    return system, upload(system, documents.make_docx([documents.CHINESE] * 8, pages=300)), before


def finishes_within_a_minute(system: System, job_id: str, since: float) -> dict[str, Any]:
    left = 60 - (time.monotonic() - since)
    system.wait_for(lambda: read_row(system, job_id)["status"] == "done", "the job to be done", seconds=left)
    return read_row(system, job_id)


def test_a_killed_workers_job_is_done_by_another(converting: tuple[System, str, set[str]]) -> None:
    system, job_id, before = converting
    wait_for_libreoffice(system)
    killed_at = time.monotonic()
    system.kill("files")
    wait_until_nothing_is_left(system, before)
    system.start("files")
    assert finishes_within_a_minute(system, job_id, killed_at)["attempts"] == 2


def test_a_killed_main_process_takes_its_pool_along(converting: tuple[System, str, set[str]]) -> None:
    system, job_id, before = converting
    wait_for_libreoffice(system)
    worker = psutil.Process(system.processes["files"].pid)
    pool = worker.children(recursive=True)
    killed_at = time.monotonic()
    worker.kill()
    system.wait_for(lambda: not any(map(is_alive, pool)), "the pool to be gone", seconds=5)
    wait_until_nothing_is_left(system, before)
    system.kill("files")
    system.start("files")
    finishes_within_a_minute(system, job_id, killed_at)


def test_a_killed_pool_process_is_replaced(converting: tuple[System, str, set[str]]) -> None:
    system, job_id, before = converting
    wait_for_libreoffice(system)
    killed_at = time.monotonic()
    system.kill("files", children_only=True)
    wait_until_nothing_is_left(system, before)
    finishes_within_a_minute(system, job_id, killed_at)


@pytest.mark.parametrize("name", ["soffice.bin", "bwrap"])
def test_a_killed_libreoffice_is_started_again(name: str, converting: tuple[System, str, set[str]]) -> None:
    system, job_id, before = converting
    wait_for_libreoffice(system)
    killed_at = time.monotonic()
    for process in processes_of(system):
        with suppress(psutil.NoSuchProcess):  # it went with the one before
            if process.name() == name:
                process.kill()
    row = finishes_within_a_minute(system, job_id, killed_at)
    assert row["failures"] == 0
    wait_until_nothing_is_left(system, before)


def is_alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def test_an_upload_is_converted_and_fetched_from_outside(system: System) -> None:
    """Through the real server: multipart, the queue, a real LibreOffice, and the file."""
    system.start("web", "files", "beat")
    headers = {"Authorization": f"Token {system.token()}"}
    job_id = upload(system, documents.make_docx([documents.CHINESE]), name="会议议程.docx")
    done = system.wait_for(
        lambda: (job := system.get(f"/api/conversions/{job_id}"))["status"] in ("done", "failed") and job,
        "the conversion", seconds=60,
    )  # fmt: skip
    assert done["status"] == "done", done
    answer = system.http.get(done["result"], headers=headers)
    assert answer.content.startswith(b"%PDF-")
    assert answer.headers["content-security-policy"].startswith("sandbox")
    too_large = httpx.post(
        f"{system.url}/api/conversions", headers=headers, data={"conference_id": "test", "target": "pdf"},
        files={"file": ("a.docx", bytes(65 * 1024 * 1024))}, timeout=60,
    )  # fmt: skip
    assert (too_large.status_code, too_large.json()["error"]["code"]) == (413, "too_large")
    path = Path(system.directory) / "conversions" / "test"
    assert sorted(entry.name for entry in path.iterdir()) == ["inputs", "outputs"]
