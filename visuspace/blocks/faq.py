from typing import Annotated, Any, ClassVar

import msgspec
from django.utils.translation import gettext_lazy as _

from conferences.models import Conference
from visuspace.blocks import Block, Line, Paragraph, block


class Item(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    question: Line
    answer: Paragraph


@block
class Faq(Block, tag="faq", frozen=True):
    """Questions and answers."""

    label = _("Questions and answers")
    labels: ClassVar[dict[str, Any]] = {
        "items": _("Questions"), "question": _("Question"), "answer": _("Answer")
    }  # fmt: skip

    items: Annotated[list[Item], msgspec.Meta(max_length=20)] = []

    def show(self, conference: Conference, *, language: str) -> dict[str, Any] | None:
        # Not "items": in a template that would be the dictionary's method.
        return {"answers": self.items} if self.items else None
