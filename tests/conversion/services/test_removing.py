"""Removing conversions and files: shared results stay, crashes are finished, orphans go."""

import datetime as dt
import os
import time
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from conversion import store
from conversion.models import ConversionJob
from conversion.services import removing
from conversion.services.converting import convert
from meeteasy.core.errors import RefusedError
from tests.conversion import documents
from tests.conversion.conftest import Start, read_output

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def without_sandbox(settings: Any) -> None:
    """What is tested here does not depend on it."""
    settings.CONVERT_WITHOUT_SANDBOX = True


@pytest.fixture
def picture() -> bytes:
    return documents.make_picture()


def test_the_last_job_takes_the_shared_result_with_it(work_off: Start, picture: bytes) -> None:
    first, second = (work_off(picture, "a.png", "picture") for _ in range(2))
    assert first.output_path == second.output_path
    removing.remove(first.pk)
    assert read_output(second)
    assert not store.exists(first.input_path)
    removing.remove(second.pk)
    assert list(store.walk()) == []
    assert not ConversionJob.objects.exists()


def test_a_result_that_is_being_removed_is_not_used(work_off: Start, start: Start, picture: bytes) -> None:
    """The remover died, or sleeps, between its mark and the deletion."""
    first = work_off(picture, "a.png", "picture")
    ConversionJob.objects.filter(pk=first.pk).update(status="removing")
    second = start(picture, "a.png", "picture")
    assert convert(second.pk) == "queued", "it waits"

    removing.clean_up()
    ConversionJob.objects.update(due_at=timezone.now())
    assert convert(second.pk) == "done"
    assert read_output(ConversionJob.objects.get())


def test_expired_conversions_go_with_their_files(work_off: Start, picture: bytes, settings: Any) -> None:
    old = work_off(picture, "a.png", "picture")
    new = work_off(documents.make_picture(color=(0, 0, 0)), "b.png", "picture")
    ended = timezone.now() - dt.timedelta(days=settings.CONVERT_KEEP_DAYS, minutes=1)
    ConversionJob.objects.filter(pk=old.pk).update(finished_at=ended)
    assert removing.clean_up() == {"expired": 1, "orphans": 0}
    assert set(store.walk()) == {new.input_path, new.output_path}


def test_files_of_nobody_go_after_an_hour(
    work_off: Start, picture: bytes, own_store: Path, conference: Any
) -> None:
    job = work_off(picture, "a.png", "picture")
    young, old = own_store / "summit" / "inputs" / "young", own_store / "gone" / "outputs" / "old.pdf.12.part"
    for path, age in ((young, 60), (old, 7200), (own_store / job.output_path, 7200)):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        os.utime(path, (time.time() - age,) * 2)
    assert removing.clean_up() == {"expired": 0, "orphans": 1}
    assert young.exists()
    assert not old.exists()
    assert store.exists(job.output_path)

    conference.delete()
    os.utime(own_store / job.input_path, (time.time() - 7200,) * 2)
    assert removing.clean_up()["orphans"] == 2


def test_only_failed_conversions_are_tried_again(work_off: Start, picture: bytes) -> None:
    done = work_off(picture, "a.png", "picture")
    with pytest.raises(RefusedError, match="done, not failed"):
        removing.retry(done.pk)
    failed = work_off(picture, "a.png", "picture", crop="900,0,9,9")
    assert removing.retry(failed.pk).status == "queued"


def test_a_lost_result_is_made_again(work_off: Start, picture: bytes) -> None:
    job = work_off(picture, "a.png", "picture")
    store.delete(job.output_path)
    removing.redo_lost(job)
    assert convert(job.pk) == "done"
    assert read_output(job)
