"""A LibreOffice that hangs and ignores SIGTERM, twenty times: each is stopped, and the next file succeeds."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.conversion import documents
from tests.conversion.conftest import Start, about_no_database, needs_libreoffice, needs_sandbox

pytestmark = [pytest.mark.django_db, about_no_database, needs_sandbox, needs_libreoffice]


def count_leftovers() -> int:
    """Processes of ours, dead or alive, besides the servers of the tests."""
    own = psutil.Process().children(recursive=True)
    return sum(process.name() in ("bwrap", "sh", "soffice", "sleep", "python") for process in own)


@pytest.mark.parametrize("times", [2, pytest.param(20, marks=pytest.mark.faults)])
def test_a_hanging_libreoffice_is_stopped_each_time(
    times: int, work_off: Start, stub_soffice: Callable[[str], Path], settings: Any
) -> None:
    before = count_leftovers()
    stub_soffice("trap '' TERM INT HUP; (trap '' TERM; sleep 1000) & while :; do sleep 1000; done")
    settings.CONVERT_TIMEOUT_SECONDS = 1
    for number in range(times):
        job = work_off(documents.make_docx([f"Agenda {number}"]))
        assert (job.status, job.error_code) == ("failed", "timeout")
        assert job.seconds["pdf"] < 3
    settings.SOFFICE, settings.CONVERT_TIMEOUT_SECONDS = "soffice", 120
    assert work_off(documents.make_docx()).status == "done"
    assert count_leftovers() == before
