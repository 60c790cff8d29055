"""The page of files: drop one, see what becomes of it."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from conversion.models import ConversionJob
from conversion.services.converting import convert
from tests.conversion import documents

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("own_files")]

FILES = "/console/c/summit/files/"


def upload(client: Client, *files: tuple[str, bytes], target: str = "picture") -> str:
    given = [SimpleUploadedFile(name, content) for name, content in files]
    answer = client.post(f"{FILES}upload/", {"target": target, "file": given}, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


def test_an_uploaded_picture_waits_and_is_then_there(helper: Client) -> None:
    page = upload(helper, ("会场.png", documents.make_picture()))
    assert "会场.png" in page
    assert "waiting" in page
    assert 'hx-trigger="every 2s"' in page

    job = ConversionJob.objects.get()
    assert convert(job.pk) == "done"
    rows = helper.get(f"{FILES}rows/").content.decode()
    assert f'src="/api/conversions/{job.pk}/result"' in rows
    assert "hx-trigger" not in rows, "nothing is unfinished"
    assert helper.get(f"/api/conversions/{job.pk}/result").status_code == 200


def test_a_bad_file_says_why_in_plain_words(helper: Client) -> None:
    upload(helper, ("a.png", documents.random_bytes()))
    job = ConversionJob.objects.get()
    convert(job.pk)
    assert "The file is damaged" in helper.get(FILES).content.decode()
    helper.cookies["django_language"] = "zh-hans"
    assert "文件已损坏" in helper.get(FILES).content.decode()

    helper.post(f"{FILES}{job.pk}/retry/")
    job.refresh_from_db()
    assert job.status == "queued"
    helper.post(f"{FILES}{job.pk}/remove/")
    assert not ConversionJob.objects.exists()


def test_a_refused_file_does_not_affect_the_others(helper: Client, settings: Any) -> None:
    settings.CONVERT_MAX_INPUT_BYTES = 1000
    page = upload(helper, ("large.png", bytes(2000)), ("small.png", b"x"))
    assert "large.png: The file is too large." in page
    assert "1 file was taken in." in page
    assert [job.file_name for job in ConversionJob.objects.all()] == ["small.png"]


def test_an_upload_without_a_file_says_so(helper: Client) -> None:
    assert "Choose a file first." in upload(helper)
    assert helper.post(f"{FILES}upload/", {"target": "mp4"}).status_code == 400


def test_files_of_another_conference_are_not_found(helper: Client, charlie: User) -> None:
    from conferences.services import create_conference

    other = create_conference(owner=charlie, id="other", name="Other", time_zone="UTC")
    job = ConversionJob.objects.create(
        conference=other, file_name="secret.docx", input_path="x", input_sha256="x", input_bytes=1,
        target="pdf", status="failed",
    )  # fmt: skip
    assert "secret.docx" not in helper.get(FILES).content.decode()
    for action in ("retry", "remove"):
        assert helper.post(f"{FILES}{job.pk}/{action}/").status_code == 404
    assert ConversionJob.objects.filter(status="failed").exists()
