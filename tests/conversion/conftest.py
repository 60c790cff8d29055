"""Fixtures: uploading as a helper does, converting as a worker does, and what this machine must have."""

import io
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User

from conferences.models import Conference
from conversion import store
from conversion.models import ConversionJob
from conversion.services.converting import convert
from conversion.services.uploading import start_conversion
from tests.conversion import documents

Start = Callable[..., ConversionJob]

needs_sandbox = pytest.mark.skipif(
    shutil.which("bwrap") is None,
    reason="bubblewrap is not installed (bin/test installs it as root on Debian)",
)
needs_libreoffice = pytest.mark.skipif(
    shutil.which("soffice") is None,
    reason="LibreOffice is not installed (bin/test installs it as root on Debian)",
)
# What a file becomes. test_all.py converts with every converter on every database.
about_no_database = pytest.mark.only_on("sqlite")


@pytest.fixture(autouse=True)
def own_store(tmp_path: Path, settings: Any) -> Path:
    """A folder of files for each test."""
    folder = tmp_path / "conversions"
    backend = "django.core.files.storage.FileSystemStorage"
    settings.STORAGES = {
        **settings.STORAGES, "conversion": {"BACKEND": backend, "OPTIONS": {"location": folder}}
    }  # fmt: skip
    return folder


@pytest.fixture
def start(conference: Conference, bob: User) -> Start:
    """`start(content, "agenda.docx", "pdf", width="200")` uploads a file as Bob."""

    def start(
        content: bytes, name: str = "agenda.docx", target: str = "pdf", **parameters: Any
    ) -> ConversionJob:
        return start_conversion(
            conference=conference, file=io.BytesIO(content), file_name=name, target=target,
            parameters=parameters, by=bob,
        )  # fmt: skip

    return start


@pytest.fixture
def work_off(start: Start) -> Start:
    """As `start`, and a worker converts it. Returns the job as it is then."""

    def work_off(*arguments: Any, **parameters: Any) -> ConversionJob:
        job = start(*arguments, **parameters)
        convert(job.pk)
        job.refresh_from_db()
        return job

    return work_off


def read_output(job: ConversionJob) -> bytes:
    assert job.status == "done", (job.error_code, job.error_details)
    with store.open_file(job.output_path) as file:
        return file.read()


@pytest.fixture
def stub_soffice(tmp_path: Path, settings: Any) -> Callable[[str], Path]:
    """`stub_soffice(script)` replaces LibreOffice by a shell script; returns its folder, which it can read.

    `$out` is where its PDF belongs, `sample.pdf` in the folder one that it can copy there.
    """
    folder = tmp_path / "office"

    def make(script: str) -> Path:
        (folder / "program").mkdir(parents=True, exist_ok=True)
        (folder / "sample.pdf").write_bytes(documents.make_pdf())
        program = folder / "program" / "soffice"
        program.write_text(
            "#!/bin/sh\n"
            f"folder={folder}\n"
            'while [ $# -gt 1 ]; do [ "$1" = --outdir ] && out=$2; shift; done\n'
            'source=${1##*/}; out="$out/${source%.*}.pdf"\n'
            f"{script}\n"
        )
        program.chmod(0o755)
        settings.SOFFICE = str(program)
        return folder

    return make
