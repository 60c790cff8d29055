"""Office documents, sheets, slides and texts → PDF, by LibreOffice."""

import shutil
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from conversion.converters._base import Converter, register
from conversion.inspecting import kinds
from conversion.inspecting.detecting import Inspection
from conversion.problems import ConversionError, Problem


@register
class PdfConverter(Converter):
    target: ClassVar[str] = "pdf"
    label = _("PDF")
    accepts: ClassVar[frozenset[str]] = kinds.OFFICE
    makes: ClassVar[str] = kinds.PDF
    program: ClassVar[str] = "office"

    def output_type(self, parameters: Any) -> tuple[str, str]:
        return "pdf", "application/pdf"

    def arguments(self, parameters: Any, inspection: Inspection) -> dict[str, Any]:
        return {"soffice": _find_soffice(), "max_pages": settings.CONVERT_MAX_PAGES, **inspection.facts}

    def check(self) -> None:
        _find_soffice()

    def full_version(self) -> str:
        return f"{super().full_version()} {_read_build(_find_soffice())}"

    def folders(self) -> tuple[str, ...]:
        """LibreOffice's own packages install it in /opt."""
        folder = Path(_find_soffice()).parent.parent
        return () if folder.is_relative_to("/usr") else (str(folder),)


def _find_soffice() -> str:
    """Return the real path of LibreOffice's program. Raises ConversionError."""
    found = shutil.which(settings.SOFFICE)
    if found is None:
        raise ConversionError(
            Problem.LIBREOFFICE_MISSING,
            packages="libreoffice-writer-nogui libreoffice-calc-nogui libreoffice-impress-nogui",
        )
    return str(Path(found).resolve())


@lru_cache(maxsize=4)
def _read_build(soffice: str) -> str:
    """Return which LibreOffice this is; asking the program itself costs as much as a small conversion."""
    folder = Path(soffice).parent
    for name in ("versionrc", "version.ini"):
        if (folder / name).exists():
            lines = (folder / name).read_text("utf-8", "replace").splitlines()
            return " ".join(line for line in lines if line.startswith(("buildid=", "AboutBoxVersion")))
    return str(Path(soffice).stat().st_mtime_ns)
