from typing import Annotated, Any, ClassVar

import msgspec
from django.utils.translation import gettext_lazy as _

from conferences.models import Conference
from visuspace.blocks import Block, Line, Paragraph, block


@block
class Text(Block, tag="text", frozen=True):
    """A heading and paragraphs."""

    label = _("Text")
    labels: ClassVar[dict[str, Any]] = {"heading": _("Heading"), "paragraphs": _("Paragraphs")}

    heading: Line = ""
    paragraphs: Annotated[list[Paragraph], msgspec.Meta(max_length=10)] = []

    def show(self, conference: Conference, *, language: str) -> dict[str, Any] | None:
        paragraphs = [text for text in self.paragraphs if text.strip()]
        if not paragraphs and not self.heading:
            return None
        return {"heading": self.heading, "paragraphs": paragraphs}
