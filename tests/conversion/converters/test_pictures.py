"""Pictures: upright, resized, cut, without metadata; and the bad ones."""

import io
from typing import Any

import pillow_heif
import pytest
from PIL import Image, ImageCms

from tests.conversion import documents
from tests.conversion.conftest import Start, about_no_database, needs_sandbox, read_output

pytestmark = [pytest.mark.django_db, about_no_database, needs_sandbox]


def opened(job: Any) -> Image.Image:
    picture = Image.open(io.BytesIO(read_output(job)))
    picture.load()
    return picture


def with_corner(*, size: tuple[int, int] = (80, 40), **options: Any) -> bytes:
    """White, with a red corner at the top left."""
    picture = Image.new("RGB", size, "white")
    picture.paste("red", (0, 0, 20, 10))
    made = io.BytesIO()
    picture.save(made, "JPEG", quality=95, **options)
    return made.getvalue()


def test_a_turned_photo_becomes_upright_without_metadata(work_off: Start) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held upright: turn by 90° clockwise
    exif[0x010F] = "Camera of Alice"
    exif.get_ifd(0x8825)[1] = "N"  # a place
    photo = with_corner(exif=exif.tobytes(), comment=b"private")
    assert b"Camera of Alice" in photo

    for format in ("jpeg", "png", "webp"):
        job = work_off(photo, "photo.jpg", "picture", format=format)
        picture = opened(job)
        assert picture.size == (40, 80)
        red, green, _ = picture.convert("RGB").getpixel((35, 5))  # the corner is at the top right now
        assert red > 200
        assert green < 100
        output = read_output(job)
        assert not any(word in output for word in (b"Alice", b"Exif", b"private", b"ICC"))
        assert dict(picture.getexif()) == {}


@pytest.mark.parametrize(
    ("parameters", "size"),
    [
        ({"width": "40"}, (40, 20)),
        ({"height": "10"}, (20, 10)),
        ({"width": "40", "height": "40"}, (40, 20)),
        ({"width": "30", "height": "30", "fit": "cover"}, (30, 30)),
        ({"width": "400", "height": "400", "fit": "cover"}, (40, 40)),  # never enlarged
        ({"width": "1000"}, (80, 40)),
        ({"crop": "10,5,20,30"}, (20, 30)),
        ({"crop": "10,5,20,30", "width": "10"}, (10, 15)),
    ],
)
def test_sizes_are_what_was_asked_for(
    work_off: Start, parameters: dict[str, str], size: tuple[int, int]
) -> None:
    job = work_off(with_corner(), "photo.jpg", "picture", format="png", **parameters)
    assert opened(job).size == size == (job.facts["width"], job.facts["height"])


def test_transparency_stays_or_becomes_white(work_off: Start) -> None:
    clear = documents.make_picture(mode="RGBA", color=(0, 0, 0, 0))
    assert opened(work_off(clear, "a.png", "picture", format="webp")).getpixel((3, 3))[3] == 0
    assert opened(work_off(clear, "a.png", "picture", format="jpeg")).getpixel((3, 3)) == (255, 255, 255)


def test_colours_of_a_profile_become_srgb(work_off: Start) -> None:
    """The same numbers in Display P3 are another colour; without the profile they must be converted."""
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    plain = documents.make_picture(color=(200, 30, 30), icc_profile=lab.tobytes())
    assert opened(work_off(plain, "a.png", "picture", format="png")).getpixel((3, 3)) == (200, 30, 30)


def test_modes_of_all_kinds_are_converted(work_off: Start) -> None:
    for content, name in [
        (documents.make_picture(mode="CMYK", format="JPEG", color=(0, 200, 200, 0)), "a.jpg"),
        (documents.make_picture(mode="L", color=90), "a.png"),
        (documents.make_picture(mode="1", color=1), "a.png"),
        (documents.make_picture(mode="P", color=3), "a.png"),
        (documents.make_picture(mode="LA", color=(90, 90)), "a.png"),
        (documents.make_picture(mode="I;16", color=40_000), "a.png"),
        (documents.make_picture(mode="CMYK", format="TIFF", color=(0, 200, 200, 0)), "a.tif"),
    ]:
        for format in ("jpeg", "png", "webp"):
            assert opened(work_off(content, name, "picture", format=format)).size == (120, 80)


def test_a_photo_of_a_phone_in_heic_is_converted(work_off: Start) -> None:
    made = io.BytesIO()
    pillow_heif.from_pillow(Image.new("RGB", (96, 64), (30, 160, 30))).save(made, quality=90)
    job = work_off(made.getvalue(), "IMG_0001.HEIC", "picture", format="jpeg")
    assert job.kind == "heic"
    red, green, blue = opened(job).getpixel((40, 40))
    assert abs(green - 160) < 12
    assert max(red, blue) < 60


@pytest.mark.parametrize(
    ("content", "name", "code"),
    [
        (documents.make_huge_png(60_000, 60_000), "a.png", "image_too_large"),
        (documents.make_picture(size=(600, 400), format="JPEG")[:2_000], "a.jpg", "corrupt"),
        (documents.make_picture()[:60], "a.png", "corrupt"),
        (b"\xff\xd8\xff\xe0" + documents.random_bytes(), "a.jpg", "corrupt"),
        (b"\0\0\0\x18ftypheic" + documents.random_bytes(), "a.heic", "corrupt"),
        (documents.make_pdf(), "a.pdf", "unsupported_type"),
        (documents.make_docx(), "a.docx", "unsupported_type"),
    ],
)
def test_a_bad_picture_has_the_code_of_its_fault(
    work_off: Start, content: bytes, name: str, code: str
) -> None:
    job = work_off(content, name, "picture")
    assert (job.status, job.error_code) == ("failed", code), job.error_details


def test_a_part_outside_of_the_picture_is_refused(work_off: Start) -> None:
    job = work_off(with_corner(), "a.jpg", "picture", crop="70,0,20,20")
    assert (job.error_code, job.error_details) == ("outside_picture", {"width": 80, "height": 40})
