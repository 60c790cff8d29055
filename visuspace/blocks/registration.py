from typing import Any

from conferences.models import Conference
from visuspace.blocks import Block, block


@block
class Registration(Block, tag="registration", frozen=True):
    """The registration form. It stands beside the other blocks on wide screens."""

    def show(self, conference: Conference, *, language: str) -> dict[str, Any]:
        return {}
