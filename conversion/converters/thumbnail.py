"""A PDF, or whatever becomes one → a small picture of one page."""

from typing import Annotated, Any, ClassVar, Literal

import msgspec
from django.conf import settings
from django.utils.translation import gettext_lazy as _
from msgspec import Meta

from conversion.converters._base import PICTURE_TYPES, Converter, Parameters, register
from conversion.inspecting import kinds
from conversion.inspecting.detecting import Inspection


class ThumbnailParameters(Parameters, frozen=True):
    format: Literal["webp", "jpeg", "png"] = "webp"
    width: Annotated[int, Meta(ge=16, le=1024)] = 320
    page: Annotated[int, Meta(ge=1, le=100_000)] = 1
    quality: Annotated[int, Meta(ge=1, le=100)] = 80


@register
class ThumbnailConverter(Converter):
    target: ClassVar[str] = "thumbnail"
    label = _("Thumbnail")
    accepts: ClassVar[frozenset[str]] = frozenset({kinds.PDF})
    program: ClassVar[str] = "thumbnail"
    libraries: ClassVar[tuple[str, ...]] = ("pypdfium2", "pillow")
    parameters: ClassVar[type[Parameters]] = ThumbnailParameters
    example: ClassVar[dict[str, Any]] = {"width": 200}

    def output_type(self, parameters: ThumbnailParameters) -> tuple[str, str]:
        return PICTURE_TYPES[parameters.format]

    def arguments(self, parameters: ThumbnailParameters, inspection: Inspection) -> dict[str, Any]:
        return {**msgspec.to_builtins(parameters), "max_pixels": settings.CONVERT_MAX_PAGE_PIXELS}
