from typing import Annotated, Any, ClassVar

import msgspec
from django.utils.translation import gettext_lazy as _

from conferences.models import Conference
from visuspace.blocks import Block, Line, block
from visuspace.models import Picture


class Shown(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A picture on a page. picture: its id. alt: what is on it, for those who cannot see it."""

    picture: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{1,32}\Z")]
    alt: Line


@block
class Gallery(Block, tag="gallery", frozen=True):
    """Pictures of the conference. Those that were deleted since are left out."""

    label = _("Pictures")
    labels: ClassVar[dict[str, Any]] = {
        "heading": _("Heading"), "pictures": _("Pictures"), "alt": _("What is on the picture")
    }  # fmt: skip

    heading: Line = ""
    pictures: Annotated[list[Shown], msgspec.Meta(max_length=24)] = []

    def show(self, conference: Conference, *, language: str) -> dict[str, Any] | None:
        ids = [shown.picture for shown in self.pictures]
        ready = Picture.objects.defer("content").filter(conference=conference, pk__in=ids, width__gt=0)
        known = {picture.pk: picture for picture in ready}
        pictures = [
            {"picture": known[shown.picture], "alt": shown.alt}
            for shown in self.pictures
            if shown.picture in known
        ]
        return {"heading": self.heading, "pictures": pictures} if pictures else None
