"""What programs share that open PDF files."""

import io
from typing import Any

import pypdfium2 as pdfium
from PIL import Image
from pypdfium2 import raw

from conversion.programs.work import FileError, Work

# A side of a WebP picture has at most 16,383 pixels.
_MAX_SIDE = 16_000
_SUFFIX = {"jpeg": "jpg"}


def open_pdf(path: str) -> "pdfium.PdfDocument":
    """Open a PDF. One that only restricts printing or copying opens without its password."""
    try:
        document = pdfium.PdfDocument(path)
    except pdfium.PdfiumError as error:
        if error.err_code == raw.FPDF_ERR_PASSWORD:
            raise FileError("password_protected") from error
        raise FileError("corrupt", reason=str(error)[:200]) from error
    if len(document) == 0:
        raise FileError("empty_output")
    return document


def is_blank(document: "pdfium.PdfDocument") -> bool:
    """Whether no page has anything to show."""
    return all(raw.FPDFPage_CountObjects(document[number]) == 0 for number in range(len(document)))


def draw_page(document: "pdfium.PdfDocument", number: int, *, width: int, max_pixels: int) -> Image.Image:
    """Draw a page, counted from 1, `width` pixels wide; less wide if it is so long that it gets too large."""
    try:
        page = document[number - 1]
        page_width, page_height = page.get_size()
        if not (0 < page_width < 1e6 and 0 < page_height < 1e6):
            raise FileError("corrupt", page=number)
        scale = (width - 0.001) / page_width  # pdfium rounds up
        scale = min(scale, (max_pixels / (page_width * page_height)) ** 0.5)
        scale = min(scale, _MAX_SIDE / page_width, _MAX_SIDE / page_height)
        picture: Image.Image = page.render(scale=scale, rev_byteorder=True).to_pil().convert("RGB")
        page.close()
    except pdfium.PdfiumError as error:
        raise FileError("corrupt", page=number, reason=str(error)[:200]) from error
    return picture


def encode(picture: Image.Image, *, format: str, quality: int) -> bytes:
    """Encode a picture without metadata."""
    buffer = io.BytesIO()
    options: dict[str, dict[str, Any]] = {
        "webp": {"quality": quality, "method": 2},
        "jpeg": {"quality": quality, "optimize": True},
        "png": {"optimize": False},
    }
    picture.save(buffer, format, **options[format])
    return buffer.getvalue()


def suffix_of(format: str) -> str:
    return _SUFFIX.get(format, format)


def check_pages(work: Work, pages: int) -> None:
    most = work.arguments["max_pages"]
    if pages > most:
        raise FileError("too_many_pages", pages=pages, max_pages=most)
