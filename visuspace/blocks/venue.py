from typing import Annotated, Any

import msgspec

from conferences.models import Conference
from visuspace.blocks import Block, block


@block
class Venue(Block, tag="venue", frozen=True):
    """Date, zone, place and calendar file of the conference."""

    directions: Annotated[str, msgspec.Meta(max_length=1000)] = ""

    def show(self, conference: Conference, *, language: str) -> dict[str, Any]:
        return {"directions": self.directions}
