"""The result of a conversion, as a client gets it."""

import io
import re
import zipfile
from dataclasses import dataclass
from typing import IO, Any

from conversion import store
from conversion.converters import CONVERTERS
from conversion.converters._base import PICTURE_TYPES, read_parameters
from conversion.models import ConversionJob
from conversion.problems import describe
from conversion.services.removing import redo_lost
from meeteasy.core.errors import RefusedError

_PAGE = re.compile(r"page-0*(\d+)\.(\w+)\Z")
_MEDIA_TYPES = dict(PICTURE_TYPES.values())


@dataclass(frozen=True)
class Result:
    """file: open; whoever sends it closes it. name: to save it under."""

    file: IO[bytes]
    name: str
    media_type: str


def open_result(job: ConversionJob, *, page: int | None = None) -> Result:
    """Open the result of a conversion, or the picture of one page of it.

    Raises RefusedError: `not_ready`, `conversion_failed` (409) or `page_missing` (404). A result that has
    vanished from the store is made again.
    """
    if job.status == job.Status.FAILED:
        raise RefusedError("conversion_failed", describe(job.error_code), reason=job.error_code)
    if job.status != job.Status.DONE:
        raise RefusedError("not_ready", f"The conversion is {job.status}.")
    converter = CONVERTERS[job.target]
    extension, media_type = converter.output_type(read_parameters(job.target, job.parameters))
    stem = job.file_name.rpartition(".")[0] or job.file_name
    try:
        if page is not None:
            return _open_page(job, page, stem=stem, extension=extension)
        return Result(store.open_stream(job.output_path), f"{stem}.{extension}", media_type)
    except FileNotFoundError:
        redo_lost(job)
        raise RefusedError("not_ready", "The result was lost and is being made again.") from None


def _open_page(job: ConversionJob, page: int, *, stem: str, extension: str) -> Result:
    if extension == "zip":
        with store.open_file(job.output_path) as file, zipfile.ZipFile(file) as archive:
            for name in archive.namelist():
                found = _PAGE.match(name)
                if found and int(found[1]) == page:
                    picture: Any = io.BytesIO(archive.read(name))
                    return Result(picture, f"{stem}-{name}", _MEDIA_TYPES[found[2]])
    raise RefusedError("page_missing", f"The result has no picture of page {page}.", status=404)
