"""QR codes of links, for print."""

import io

import segno

from sharing.addresses import share_url
from sharing.models import ShareLink


def draw_qr(link: ShareLink, *, kind: str) -> bytes:
    """The link's address as a QR code. kind: "svg" or "png"."""
    picture = io.BytesIO()
    # A code of level M stays readable with 15 % of it dirty or torn.
    segno.make(share_url(link), error="m").save(picture, kind=kind, scale=8, border=4)
    return picture.getvalue()
