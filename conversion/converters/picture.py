"""Pictures → WebP, JPEG or PNG: upright, cut, resized, without metadata."""

from typing import Annotated, Any, ClassVar, Literal

import msgspec
from django.conf import settings
from django.utils.translation import gettext_lazy as _
from msgspec import Meta

from conversion.converters._base import PICTURE_TYPES, Converter, Parameters, register
from conversion.inspecting import kinds
from conversion.inspecting.detecting import Inspection

_MAX_SIDE = 16_000  # WebP has 16,383 at most
_CROP = r"^\d{1,6},\d{1,6},[1-9]\d{0,5},[1-9]\d{0,5}$"


class PictureParameters(Parameters, frozen=True):
    """crop: `left,top,width,height` in pixels of the upright picture, cut out before it is resized.
    fit: `inside` keeps all of the picture within width and height, `cover` fills them and cuts the rest."""

    format: Literal["webp", "jpeg", "png"] = "webp"
    width: Annotated[int, Meta(ge=1, le=_MAX_SIDE)] | None = None
    height: Annotated[int, Meta(ge=1, le=_MAX_SIDE)] | None = None
    fit: Literal["inside", "cover"] = "inside"
    crop: Annotated[str, Meta(pattern=_CROP)] | None = None
    quality: Annotated[int, Meta(ge=1, le=100)] = 80

    def __post_init__(self) -> None:
        if self.fit == "cover" and (self.width is None or self.height is None):
            raise ValueError("`cover` needs width and height")


@register
class PictureConverter(Converter):
    target: ClassVar[str] = "picture"
    label = _("Picture")
    accepts: ClassVar[frozenset[str]] = kinds.PICTURES
    program: ClassVar[str] = "picture"
    libraries: ClassVar[tuple[str, ...]] = ("pillow", "pillow-heif")
    parameters: ClassVar[type[Parameters]] = PictureParameters
    example: ClassVar[dict[str, Any]] = {"format": "jpeg", "width": 64, "height": 64, "fit": "cover"}

    def output_type(self, parameters: PictureParameters) -> tuple[str, str]:
        return PICTURE_TYPES[parameters.format]

    def arguments(self, parameters: PictureParameters, inspection: Inspection) -> dict[str, Any]:
        crop = None if parameters.crop is None else [int(number) for number in parameters.crop.split(",")]
        return {
            **msgspec.to_builtins(parameters),
            "crop": crop,
            "max_pixels": settings.CONVERT_MAX_PIXELS,
            "max_side": _MAX_SIDE,
        }
