"""Why a conversion fails: a code for programs, and plain words for people."""

from enum import StrEnum
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


class Problem(StrEnum):
    # The file
    PASSWORD_PROTECTED = "password_protected"  # noqa: S105  no password
    CORRUPT = "corrupt"
    UNSUPPORTED_TYPE = "unsupported_type"
    TOO_LARGE = "too_large"
    TOO_MANY_PAGES = "too_many_pages"
    IMAGE_TOO_LARGE = "image_too_large"
    ZIP_BOMB = "zip_bomb"
    PAGE_MISSING = "page_missing"
    OUTSIDE_PICTURE = "outside_picture"
    # What became of it
    TIMEOUT = "timeout"
    EMPTY_OUTPUT = "empty_output"
    OUTPUT_TOO_LARGE = "output_too_large"
    OUT_OF_MEMORY = "out_of_memory"
    CRASHED = "crashed"
    KILLED = "killed"
    # This server
    LIBREOFFICE_MISSING = "libreoffice_missing"
    SANDBOX_MISSING = "sandbox_missing"
    INPUT_LOST = "input_lost"
    WORKER_LOST = "worker_lost"
    STORAGE_UNAVAILABLE = "storage_unavailable"
    INTERNAL_ERROR = "internal_error"


# The server's fault, not the file's: an operator should look.
SERVER_PROBLEMS = frozenset(
    {
        Problem.LIBREOFFICE_MISSING,
        Problem.SANDBOX_MISSING,
        Problem.INPUT_LOST,
        Problem.WORKER_LOST,
        Problem.KILLED,
        Problem.STORAGE_UNAVAILABLE,
        Problem.INTERNAL_ERROR,
    }
)

_MESSAGES: dict[str, "StrOrPromise"] = {
    Problem.PASSWORD_PROTECTED: _(
        "The file is protected by a password. Save it without one and upload it again."
    ),
    Problem.CORRUPT: _("The file is damaged, or it is not what its name says. Save it again and upload it."),
    Problem.UNSUPPORTED_TYPE: _("Files of this type cannot be converted this way."),
    Problem.TOO_LARGE: _("The file is too large."),
    Problem.TOO_MANY_PAGES: _("The document has too many pages. Split it into several files."),
    Problem.IMAGE_TOO_LARGE: _("The picture has too many pixels. Make it smaller and upload it again."),
    Problem.ZIP_BOMB: _("The file would become far too large when unpacked, so it was not opened."),
    Problem.PAGE_MISSING: _("The document does not have this page."),
    Problem.OUTSIDE_PICTURE: _("The part to cut out lies outside the picture."),
    Problem.TIMEOUT: _("The conversion took too long and was stopped. Simplify the document or split it."),
    Problem.EMPTY_OUTPUT: _("The document has nothing that could be shown on a page."),
    Problem.OUTPUT_TOO_LARGE: _(
        "The result would be too large. Choose a smaller size, or split the document."
    ),
    Problem.OUT_OF_MEMORY: _(
        "The document needs more memory than a conversion may use. Simplify or split it."
    ),
    Problem.CRASHED: _("The converter failed on this file. Save it in another format and try again."),
    Problem.KILLED: _("The converter was killed several times, perhaps because the server lacks memory."),
    Problem.LIBREOFFICE_MISSING: _(
        "LibreOffice is not installed on the server. An operator installs the packages "
        "libreoffice-writer-nogui, libreoffice-calc-nogui and libreoffice-impress-nogui."
    ),
    Problem.SANDBOX_MISSING: _(
        "The server has no sandbox for conversions. An operator installs the package bubblewrap."
    ),
    Problem.INPUT_LOST: _("The uploaded file is gone. Upload it again."),
    Problem.WORKER_LOST: _("The conversion was interrupted several times and was given up."),
    Problem.STORAGE_UNAVAILABLE: _("Files could not be stored. Try again later."),
    Problem.INTERNAL_ERROR: _("An error on our side. It was logged."),
}


class ConversionError(Exception):
    """The file cannot be converted, and trying again would not help. `details` are for programs, as JSON."""

    def __init__(self, code: Problem, **details: Any) -> None:
        super().__init__(f"{code} {details}" if details else str(code))
        self.code, self.details = code, details


def describe(code: str) -> str:
    """Return the message for people, in the current language."""
    return str(_MESSAGES.get(code, _MESSAGES[Problem.INTERNAL_ERROR]))
