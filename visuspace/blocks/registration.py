from typing import Any

from django.utils.translation import gettext_lazy as _

from conferences.models import Conference
from visuspace.blocks import Block, block


@block
class Registration(Block, tag="registration", frozen=True):
    """The registration form. It stands beside the other blocks on wide screens."""

    label = _("Registration form")
    source = _("Stands beside the other blocks on wide screens, wherever it is in this order.")

    def show(self, conference: Conference, *, language: str) -> dict[str, Any]:
        return {}
