from typing import Annotated, Any

import msgspec

from conferences.models import Conference
from visuspace.blocks import Block, block


@block
class Hero(Block, tag="hero", frozen=True):
    """Name and date of the conference, with a sentence below. Without one the conference's tagline."""

    lead: Annotated[str, msgspec.Meta(max_length=600)] = ""

    def show(self, conference: Conference, *, language: str) -> dict[str, Any]:
        return {"lead": self.lead or conference.tagline}
