"""Draws one page of a PDF."""

from typing import Any

from conversion.programs.pdf_files import draw_page, encode, open_pdf
from conversion.programs.work import FileError, Work


def run(work: Work) -> dict[str, Any]:
    given = work.arguments
    document = open_pdf(str(work.input))
    if given["page"] > len(document):
        raise FileError("page_missing", page=given["page"], pages=len(document))
    picture = draw_page(document, given["page"], width=given["width"], max_pixels=given["max_pixels"])
    work.output.write(encode(picture, format=given["format"], quality=given["quality"]))
    return {"pages": len(document), "width": picture.width, "height": picture.height}
