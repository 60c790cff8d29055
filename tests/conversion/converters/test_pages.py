"""Pages and thumbnails of PDF files."""

import io
import zipfile
from typing import Any

import pytest
from PIL import Image

from tests.conversion import documents
from tests.conversion.conftest import Start, about_no_database, needs_sandbox, read_output

pytestmark = [pytest.mark.django_db, about_no_database, needs_sandbox]


def test_each_page_becomes_a_picture_in_order(work_off: Start) -> None:
    job = work_off(documents.make_pdf(["one", "two", "three"]), "a.pdf", "pages", format="jpeg", width="300")
    with zipfile.ZipFile(io.BytesIO(read_output(job))) as archive:
        assert archive.namelist() == ["page-001.jpg", "page-002.jpg", "page-003.jpg"]
        pictures = [Image.open(io.BytesIO(archive.read(name))) for name in archive.namelist()]
    assert {picture.size for picture in pictures} == {(300, 425)}
    assert len({picture.tobytes() for picture in pictures}) == 3, "each shows its own page"
    assert (job.facts, job.pages_done, job.pages_total) == ({"pages": 3}, 3, 3)


def test_a_thumbnail_shows_the_page_that_was_asked_for(work_off: Start) -> None:
    pdf = documents.make_pdf(["one", "two"])
    first = work_off(pdf, "a.pdf", "thumbnail", format="png", width="100")
    second = work_off(pdf, "a.pdf", "thumbnail", format="png", width="100", page="2")
    assert Image.open(io.BytesIO(read_output(first))).width == 100
    assert read_output(first) != read_output(second)


def test_a_page_of_any_shape_stays_within_bounds(work_off: Start) -> None:
    for size in [(14_400, 2), (2, 14_400), (14_400, 14_400)]:
        pdf = documents.make_pdf(["x"], size=size)
        job = work_off(pdf, "a.pdf", "pages", width="4096", format="webp")
        with zipfile.ZipFile(io.BytesIO(read_output(job))) as archive:
            picture = Image.open(io.BytesIO(archive.read("page-001.webp")))
        assert picture.width * picture.height <= 25_100_000
        assert max(picture.size) <= 16_000


@pytest.mark.parametrize(
    ("content", "target", "parameters", "code"),
    [
        (documents.make_pdf(["x"] * 4), "pages", {}, "too_many_pages"),
        (documents.make_pdf(["x"]), "thumbnail", {"page": "2"}, "page_missing"),
        (documents.make_pdf(["x"])[:80], "pages", {}, "corrupt"),
        (b"%PDF-1.7\n" + documents.random_bytes(), "pages", {}, "corrupt"),
        (documents.make_pdf(["x"]), "pdf", {}, "unsupported_type"),
    ],
)
def test_a_bad_pdf_has_the_code_of_its_fault(
    work_off: Start, settings: Any, content: bytes, target: str, parameters: dict[str, str], code: str
) -> None:
    settings.CONVERT_MAX_PAGES = 3
    job = work_off(content, "a.pdf", target, **parameters)
    assert (job.status, job.error_code) == ("failed", code), job.error_details
