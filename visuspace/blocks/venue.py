from typing import Annotated, Any, ClassVar

import msgspec
from django.utils.translation import gettext_lazy as _

from conferences.models import Conference
from visuspace.blocks import Block, block


@block
class Venue(Block, tag="venue", frozen=True):
    """Date, zone, place and calendar file of the conference."""

    label = _("When and where")
    labels: ClassVar[dict[str, Any]] = {"directions": _("How to get there")}
    source = _("Date, time zone and venue come from the settings.")

    directions: Annotated[str, msgspec.Meta(max_length=1000)] = ""

    def show(self, conference: Conference, *, language: str) -> dict[str, Any]:
        return {"directions": self.directions}
