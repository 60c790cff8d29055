"""Turn a picture upright, cut it, resize it and encode it again without its metadata."""

import io
from contextlib import suppress
from typing import Any

import pillow_heif
from PIL import Image, ImageCms, ImageOps

from conversion.programs.pdf_files import encode
from conversion.programs.work import FileError, Work

# The decoders that a kind may use. Phones write JPEG with several frames, which Pillow calls MPO.
_FORMATS = {
    "jpeg": ("JPEG", "MPO"), "png": ("PNG",), "webp": ("WEBP",), "gif": ("GIF",), "tiff": ("TIFF",),
    "bmp": ("BMP",), "heic": ("HEIF", "AVIF"), "avif": ("AVIF", "HEIF"),
}  # fmt: skip


def run(work: Work) -> dict[str, Any]:
    given = work.arguments
    Image.MAX_IMAGE_PIXELS = None  # our own limit comes first
    pillow_heif.register_heif_opener(thumbnails=False, decode_threads=1)
    try:
        picture: Image.Image = Image.open(work.input, formats=_FORMATS[work.kind])
        if picture.width * picture.height > given["max_pixels"]:
            raise FileError(
                "image_too_large",
                width=picture.width, height=picture.height, max_pixels=given["max_pixels"],
            )  # fmt: skip
        picture.load()
    except (FileError, MemoryError):
        raise
    except Exception as error:  # decoders fail in many ways on bytes of strangers
        raise FileError("corrupt", reason=f"{type(error).__name__}: {error}"[:200]) from error
    picture = ImageOps.exif_transpose(picture)
    picture = _to_srgb(picture)
    picture = _cut(picture, given["crop"])
    most = given["max_side"]
    picture = _resize(picture, given["width"] or most, given["height"] or most, given["fit"])
    if given["format"] == "jpeg":
        picture = _without_transparency(picture)
    picture.info.clear()
    work.output.write(encode(picture, format=given["format"], quality=given["quality"]))
    return {"width": picture.width, "height": picture.height}


def _to_srgb(picture: Image.Image) -> Image.Image:
    """Convert the colours, since the profile that says what they mean is left out."""
    profile = picture.info.get("icc_profile")
    has_transparency = picture.has_transparency_data
    if profile and picture.mode in ("RGB", "RGBA", "CMYK", "L"):
        mode = "RGBA" if picture.mode == "RGBA" else "RGB"
        with suppress(ImageCms.PyCMSError, OSError, ValueError):  # damaged: the colours stay as they are
            picture = ImageCms.profileToProfile(
                picture, ImageCms.ImageCmsProfile(io.BytesIO(profile)), ImageCms.createProfile("sRGB"),
                outputMode=mode,
            ) or picture  # fmt: skip
    if picture.mode.startswith("I;16") or picture.mode == "I":
        picture = picture.point(lambda value: value / 256).convert("L")
    wanted = "RGBA" if has_transparency else "RGB"
    return picture if picture.mode == wanted else picture.convert(wanted)


def _cut(picture: Image.Image, crop: list[int] | None) -> Image.Image:
    if crop is None:
        return picture
    left, top, width, height = crop
    if left + width > picture.width or top + height > picture.height:
        raise FileError("outside_picture", width=picture.width, height=picture.height)
    return picture.crop((left, top, left + width, top + height))


def _resize(picture: Image.Image, width: int, height: int, fit: str) -> Image.Image:
    """`cover` fills width × height and cuts the rest; `inside` keeps all of it. Neither enlarges."""
    if fit == "cover":
        # The largest part of that shape that the picture has, no larger than asked for.
        factor = min(1.0, picture.width / width, picture.height / height)
        size = max(1, round(width * factor)), max(1, round(height * factor))
        return ImageOps.fit(picture, size, Image.Resampling.LANCZOS)
    factor = min(1.0, width / picture.width, height / picture.height)
    if factor == 1.0:
        return picture
    size = max(1, round(picture.width * factor)), max(1, round(picture.height * factor))
    return picture.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)


def _without_transparency(picture: Image.Image) -> Image.Image:
    if picture.mode != "RGBA":
        return picture
    ground = Image.new("RGB", picture.size, "white")
    ground.paste(picture, mask=picture.getchannel("A"))
    return ground
