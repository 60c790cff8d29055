"""One conversion: claimed once, repeatable at every step, and every failure of the program has its code."""

import datetime as dt
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from conversion import store
from conversion.models import ConversionJob
from conversion.services import removing, sweeping
from conversion.services.converting import MAX_FAILURES, MAX_KILLS, convert
from meeteasy.core import jobs
from tests.conversion import documents
from tests.conversion.conftest import Start, needs_sandbox, read_output
from tests.support.together import make_naive_claim, run_together

WORKERS = 4
COPY = 'cp "$folder/sample.pdf" "$out"'
Stub = Callable[[str], Path]


@pytest.fixture
def counted(stub_soffice: Stub, settings: Any) -> Callable[[], int]:
    """Says how often LibreOffice was started. Without a sandbox, so that the stub can write it down."""
    settings.CONVERT_WITHOUT_SANDBOX = True
    folder = stub_soffice(f'echo x >> "$folder/starts"; sleep 0.5; {COPY}')

    def count() -> int:
        starts = folder / "starts"
        return len(starts.read_text().split()) if starts.exists() else 0

    return count


@pytest.mark.django_db(transaction=True)
def test_concurrent_workers_start_one_program(start: Start, counted: Callable[[], int]) -> None:
    job = start(documents.make_docx())
    results = run_together(lambda: convert(job.pk), threads=WORKERS)
    assert sorted(results, key=str) == [None] * (WORKERS - 1) + ["done"]
    assert counted() == 1


@pytest.mark.django_db(transaction=True)
def test_control_without_the_claim_several_programs_start(
    start: Start, counted: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    look_then_write = make_naive_claim(ConversionJob, workers=WORKERS)

    def update_anyway(rows: Any, *, pk: Any, token: str, **changes: Any) -> bool:
        ConversionJob.objects.filter(pk=pk).update(**changes)
        return True

    job = start(documents.make_docx())
    monkeypatch.setattr("conversion.services.converting.claim", look_then_write)
    monkeypatch.setattr("conversion.services.converting.update_claimed", update_anyway)
    run_together(lambda: convert(job.pk), threads=WORKERS)
    assert counted() > 1


@pytest.mark.django_db
def test_a_result_that_exists_is_the_result(work_off: Start, counted: Callable[[], int]) -> None:
    content = documents.make_docx()
    first, second = work_off(content), work_off(content, "another-name.docx")
    assert counted() == 1
    assert (second.status, second.output_path, second.facts) == ("done", first.output_path, {"pages": 1})
    assert second.seconds == {}
    assert work_off(documents.make_docx(["Other"])).output_path != first.output_path
    assert counted() == 2


@pytest.mark.django_db
def test_two_targets_of_a_document_start_libreoffice_once(
    work_off: Start, counted: Callable[[], int]
) -> None:
    content = documents.make_docx()
    pictures = [work_off(content, "a.docx", target) for target in ("thumbnail", "pages")]
    pdf = work_off(content)
    assert [job.status for job in (*pictures, pdf)] == ["done"] * 3
    assert pictures[0].between_path == pdf.output_path
    assert counted() <= 2, "the PDF of the first is used by the second"


@pytest.mark.django_db
def test_conferences_share_no_result(work_off: Start, counted: Callable[[], int], alice: Any) -> None:
    from conferences.services import create_conference

    content = documents.make_docx()
    first = work_off(content)
    other = create_conference(owner=alice, id="other", name="Other", time_zone="UTC")
    ConversionJob.objects.filter(pk=first.pk).update(conference=other)
    assert work_off(content).output_path == first.output_path
    job = ConversionJob.objects.create(
        conference=other, file_name="a.docx", input_path=first.input_path, input_sha256=first.input_sha256,
        input_bytes=1, target="pdf",
    )  # fmt: skip
    convert(job.pk)
    job.refresh_from_db()
    assert job.output_path.startswith("other/")
    assert counted() == 2


@pytest.mark.django_db
def test_a_crash_before_the_mark_costs_no_second_start(start: Start, counted: Callable[[], int]) -> None:
    """Killed after the result was stored: the row still says running, and its lease runs out."""
    job = start(documents.make_docx())
    convert(job.pk)
    past = timezone.now() - dt.timedelta(seconds=1)
    ConversionJob.objects.update(status="running", lease_token="dead", lease_until=past)
    sweeping.sweep()
    assert convert(job.pk) == "done"
    assert counted() == 1


@pytest.mark.django_db
def test_the_sweep_leaves_a_living_worker_alone(start: Start) -> None:
    job = start(documents.make_docx())
    assert jobs.claim(ConversionJob.objects.all(), pk=job.pk, lease_seconds=45, status="running")
    sweeping.sweep()
    job.refresh_from_db()
    assert job.status == "running"


@pytest.mark.django_db
def test_a_file_that_kills_its_workers_is_given_up(start: Start) -> None:
    job = start(documents.make_docx())
    for _ in range(sweeping.MAX_ATTEMPTS):
        assert jobs.claim(
            ConversionJob.objects.filter(status="queued"), pk=job.pk, lease_seconds=-1, status="running"
        )
        sweeping.sweep()
    job.refresh_from_db()
    assert (job.status, job.error_code) == ("failed", "worker_lost")


@pytest.mark.django_db(transaction=True)
def test_a_worker_without_its_lease_writes_nothing(start: Start, stub_soffice: Stub, settings: Any) -> None:
    """A person deletes the file while it is converted: the program ends, and no result appears."""
    settings.CONVERT_WITHOUT_SANDBOX = True
    folder = stub_soffice('touch "$folder/started"; sleep 20')
    job = start(documents.make_docx())
    settings.CONVERT_LEASE_SECONDS = 15

    def remove_when_it_runs() -> None:
        while not (folder / "started").exists():
            threading.Event().wait(0.05)
        removing.remove(job.pk)
        connections.close_all()

    remover = threading.Thread(target=remove_when_it_runs)
    remover.start()
    assert convert(job.pk) is None
    remover.join(20)
    assert list(store.walk()) == []


@pytest.mark.django_db
@needs_sandbox
@pytest.mark.parametrize(
    ("script", "code"),
    [
        ("exit 0", "empty_output"),
        ('echo "Error: source file could not be loaded" >&2; exit 0', "corrupt"),
        ("exit 77", "crashed"),
        ("kill -SEGV $$", "crashed"),
        ('head -c 300 "$folder/sample.pdf" > "$out"', "crashed"),
        ('head -c 3000000 /dev/zero > "$out"', "output_too_large"),
        ("trap '' TERM; while :; do sleep 1; done", "timeout"),
        ("while :; do :; done", "timeout"),
    ],
)
def test_what_libreoffice_does_wrong_has_a_code(
    work_off: Start, stub_soffice: Stub, settings: Any, script: str, code: str
) -> None:
    stub_soffice(script)
    settings.CONVERT_TIMEOUT_SECONDS = 3 if code == "timeout" else 60
    settings.CONVERT_MAX_OUTPUT_BYTES = 1024**2
    job = work_off(documents.make_docx())
    assert (job.status, job.error_code) == ("failed", code), job.error_details
    assert [path for path in store.walk() if "outputs" in path] == []


@pytest.mark.django_db
@needs_sandbox
def test_a_killed_program_is_started_again(start: Start, stub_soffice: Stub) -> None:
    stub_soffice("kill -KILL $$")
    job = start(documents.make_docx())
    for number in range(1, MAX_KILLS):
        assert convert(job.pk) == "queued", number
        ConversionJob.objects.update(due_at=timezone.now())
    stub_soffice(COPY)
    assert convert(job.pk) == "done"


@pytest.mark.django_db
@needs_sandbox
def test_a_program_that_is_always_killed_is_given_up(start: Start, stub_soffice: Stub) -> None:
    stub_soffice("kill -KILL $$")
    job = start(documents.make_docx())
    statuses = []
    for _ in range(MAX_KILLS):
        statuses.append(convert(job.pk))
        ConversionJob.objects.update(due_at=timezone.now())
    job.refresh_from_db()
    assert statuses == ["queued"] * (MAX_KILLS - 1) + ["failed"]
    assert job.error_code == "killed"


@pytest.mark.django_db
def test_a_missing_libreoffice_names_its_packages(work_off: Start, settings: Any) -> None:
    settings.SOFFICE = "/nowhere/soffice"
    job = work_off(documents.make_docx())
    assert (job.status, job.error_code) == ("failed", "libreoffice_missing")
    assert "libreoffice-writer-nogui" in job.error_details["packages"]


@pytest.mark.django_db
def test_a_missing_sandbox_fails_by_name(
    work_off: Start, settings: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    job = work_off(documents.make_picture(), "a.png", "picture")
    assert (job.status, job.error_code) == ("failed", "sandbox_missing")

    settings.CONVERT_WITHOUT_SANDBOX = True
    removing.retry(job.pk)
    assert convert(job.pk) == "done"


@pytest.mark.django_db
def test_a_store_that_is_away_makes_the_job_wait(start: Start, own_store: Path, settings: Any) -> None:
    settings.CONVERT_WITHOUT_SANDBOX = True
    job = start(documents.make_picture(), "a.png", "picture")
    outputs = own_store / "summit" / "outputs"
    outputs.write_text("a file where the folder should be")
    assert convert(job.pk) == "queued"
    job.refresh_from_db()
    assert job.due_at > timezone.now()
    assert convert(job.pk) is None, "it is not due yet"

    outputs.unlink()
    ConversionJob.objects.update(due_at=timezone.now())
    assert convert(job.pk) == "done"
    assert read_output(ConversionJob.objects.get())


@pytest.mark.django_db
def test_a_store_that_stays_away_is_named(start: Start, own_store: Path, settings: Any) -> None:
    settings.CONVERT_WITHOUT_SANDBOX = True
    job = start(documents.make_picture(), "a.png", "picture")
    (own_store / "summit" / "outputs").write_text("a file where the folder should be")
    for _ in range(MAX_FAILURES):
        convert(job.pk)
        ConversionJob.objects.update(due_at=timezone.now())
    job.refresh_from_db()
    assert (job.status, job.error_code) == ("failed", "storage_unavailable")


@pytest.mark.django_db
def test_a_lost_upload_is_named(start: Start) -> None:
    job = start(documents.make_picture(), "a.png", "picture")
    store.delete(job.input_path)
    assert convert(job.pk) == "failed"
    job.refresh_from_db()
    assert job.error_code == "input_lost"
