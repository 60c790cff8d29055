"""QR codes contain the address of their link. Another library than the one that draws them reads them."""

import io
import re
from xml.etree import ElementTree

import pytest
import zxingcpp
from django.contrib.auth.models import User
from PIL import Image

from conferences.models import Conference
from sharing.models import ShareLink
from tests.sharing.api.test_api import Api, happen
from tests.sharing.cast import share

pytestmark = pytest.mark.django_db


def draw_svg(svg: bytes) -> Image.Image:
    """Draw the picture of the SVG, which is a single path of horizontal strokes."""
    root = ElementTree.fromstring(svg)
    picture = Image.new("L", (int(root.attrib["width"]), int(root.attrib["height"])), 255)
    (path,) = root
    scale = int(re.fullmatch(r"scale\((\d+)\)", path.attrib["transform"])[1])  # type: ignore[index]
    x = y = 0.0
    for command, numbers in re.findall(r"([Mmh])([^Mmh]*)", path.attrib["d"]):
        moved = [float(number) for number in re.findall(r"-?[\d.]+", numbers)]
        if command == "h":
            box = (x * scale, (y - 0.5) * scale, (x + moved[0]) * scale, (y + 0.5) * scale)
            picture.paste(0, tuple(map(round, box)))  # type: ignore[arg-type]
            x += moved[0]
        else:
            x, y = (moved[0], moved[1]) if command == "M" else (x + moved[0], y + moved[1])
    return picture


def read(picture: Image.Image) -> str:
    (code,) = zxingcpp.read_barcodes(picture)
    assert code.format == zxingcpp.BarcodeFormat.QRCode
    return code.text


@pytest.mark.parametrize("is_signed", [False, True])
def test_a_qr_code_holds_the_address_of_its_link(
    conference: Conference, api: Api, alice: User, is_signed: bool
) -> None:
    if is_signed:
        link = api(alice).post("/api/sharing/links", {"conference_id": "summit", "signed": True}).json()
    else:
        happen(share(1, "va", "aaaaaaaaaaaaaaaa"))
        link = {"code": "a" * 16, "url": "http://localhost:8000/conf/summit?_s=" + "a" * 16}
    svg = api(alice).get(f"/api/sharing/links/{link['code']}/qr.svg", HTTP_ACCEPT="image/svg+xml")
    assert svg["Content-Type"] == "image/svg+xml"
    assert read(draw_svg(svg.content)) == link["url"]
    png = api(alice).get(f"/api/sharing/links/{link['code']}/qr.png")
    assert png["Content-Type"] == "image/png"
    picture = Image.open(io.BytesIO(png.content)).convert("L")
    assert read(picture) == link["url"]


def test_a_stained_qr_code_is_still_readable(conference: Conference, api: Api, alice: User) -> None:
    happen(share(1, "va", "aaaaaaaaaaaaaaaa"))
    png = api(alice).get("/api/sharing/links/aaaaaaaaaaaaaaaa/qr.png")
    picture = Image.open(io.BytesIO(png.content)).convert("L")
    width, height = picture.size
    # A stain that error correction of level M repairs and level L does not.
    picture.paste(0, (width // 2, height // 2, width // 2 + width // 5, height // 2 + height // 5))
    assert read(picture).endswith(ShareLink.objects.get().code)
