"""Draws the pages of a PDF into a ZIP of pictures: page-001.webp, …"""

import zipfile
from typing import Any

from conversion.programs.pdf_files import check_pages, draw_page, encode, open_pdf, suffix_of
from conversion.programs.work import Work

# The pictures are compressed already. A fixed date: the same pages make the same file.
_DATE = (1980, 1, 1, 0, 0, 0)


def run(work: Work) -> dict[str, Any]:
    given = work.arguments
    document = open_pdf(str(work.input))
    pages = len(document)
    check_pages(work, pages)
    digits = max(3, len(str(pages)))
    with zipfile.ZipFile(work.output, "w", zipfile.ZIP_STORED) as archive:
        for number in range(1, pages + 1):
            picture = draw_page(document, number, width=given["width"], max_pixels=given["max_pixels"])
            name = f"page-{number:0{digits}}.{suffix_of(given['format'])}"
            content = encode(picture, format=given["format"], quality=given["quality"])
            archive.writestr(zipfile.ZipInfo(name, _DATE), content)
            work.show_progress(number, pages)
    return {"pages": pages}
