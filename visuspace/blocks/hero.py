from typing import Annotated, Any, ClassVar

import msgspec
from django.utils.translation import gettext_lazy as _

from conferences.models import Conference
from visuspace.blocks import Block, block


@block
class Hero(Block, tag="hero", frozen=True):
    """Name and date of the conference, with a sentence below. Without one the conference's tagline."""

    label = _("Top of the page")
    labels: ClassVar[dict[str, Any]] = {"lead": _("Sentence below the name")}
    source = _("Name, date and place come from the settings; without a sentence of its own it has theirs.")

    lead: Annotated[str, msgspec.Meta(max_length=600)] = ""

    def show(self, conference: Conference, *, language: str) -> dict[str, Any]:
        return {"lead": self.lead or conference.tagline}
