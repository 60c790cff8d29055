"""A PDF, or whatever becomes one → a ZIP with a picture of each page."""

from typing import Annotated, Any, ClassVar, Literal

import msgspec
from django.conf import settings
from django.utils.translation import gettext_lazy as _
from msgspec import Meta

from conversion.converters._base import Converter, Parameters, register
from conversion.inspecting import kinds
from conversion.inspecting.detecting import Inspection


class PagesParameters(Parameters, frozen=True):
    format: Literal["webp", "jpeg", "png"] = "webp"
    width: Annotated[int, Meta(ge=16, le=4096)] = 1600
    quality: Annotated[int, Meta(ge=1, le=100)] = 80


@register
class PagesConverter(Converter):
    target: ClassVar[str] = "pages"
    label = _("Pictures of the pages")
    accepts: ClassVar[frozenset[str]] = frozenset({kinds.PDF})
    program: ClassVar[str] = "pages"
    libraries: ClassVar[tuple[str, ...]] = ("pypdfium2", "pillow")
    parameters: ClassVar[type[Parameters]] = PagesParameters
    example: ClassVar[dict[str, Any]] = {"format": "jpeg", "width": 800}

    def output_type(self, parameters: PagesParameters) -> tuple[str, str]:
        return "zip", "application/zip"

    def arguments(self, parameters: PagesParameters, inspection: Inspection) -> dict[str, Any]:
        return {
            **msgspec.to_builtins(parameters),
            "max_pages": settings.CONVERT_MAX_PAGES,
            "max_pixels": settings.CONVERT_MAX_PAGE_PIXELS,
        }
