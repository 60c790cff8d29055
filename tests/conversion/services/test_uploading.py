"""Taking files in: names, quotas, and nothing left behind by what is refused."""

from typing import Any

import pytest

from conversion import store
from conversion.models import ConversionJob
from conversion.services.uploading import clean_name
from meeteasy.core.errors import RefusedError
from tests.conversion.conftest import Start
from tests.support.together import run_together


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("议程.docx", "议程.docx"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\Alice\\agenda.docx", "agenda.docx"),
        ("a\r\nSet-Cookie: x.docx", "aSet-Cookie_ x.docx"),
        ("exe\u202excod.docx", "execod.docx".replace("execod", "exexcod")),
        ("...", "file"),
        ("", "file"),
        ("é".replace("é", "e\u0301") + ".pdf", "é.pdf"),
        (f"{'长' * 300}.docx", f"{'长' * 195}.docx"),
    ],
)
def test_names_are_safe_to_show_and_to_save(given: str, kept: str) -> None:
    assert clean_name(given) == kept


@pytest.mark.django_db
def test_a_file_that_is_too_large_is_refused(start: Start, settings: Any) -> None:
    settings.CONVERT_MAX_INPUT_BYTES = 10
    with pytest.raises(RefusedError) as raised:
        start(b"12345678901")
    assert (raised.value.code, raised.value.status) == ("too_large", 413)
    assert list(store.walk()) == []


@pytest.mark.django_db
def test_a_conference_has_a_quota_of_bytes_and_jobs(start: Start, settings: Any) -> None:
    settings.CONVERT_QUOTA_BYTES, settings.CONVERT_MAX_WAITING = 10, 2
    start(b"123456")
    with pytest.raises(RefusedError, match="space"):
        start(b"12345")
    start(b"1234")
    with pytest.raises(RefusedError, match="waiting"):
        start(b"")
    assert len(list(store.walk())) == ConversionJob.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_uploads_at_the_same_moment_share_the_quota(start: Start, settings: Any) -> None:
    settings.CONVERT_QUOTA_BYTES = 25

    def upload() -> str:
        try:
            start(b"1234567890")
        except RefusedError as error:
            return error.code
        return ""

    codes = run_together(upload, threads=6)
    assert ConversionJob.objects.count() == 2
    assert sorted(codes) == ["", "", *["quota_exceeded"] * 4]
    assert len(list(store.walk())) == 2
