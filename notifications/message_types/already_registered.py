"""Somebody filled in the form with an address that is registered already: only its owner learns that."""

from typing import Any, ClassVar

from django.utils.translation import gettext_lazy as _

from notifications.message_types._base import MessageType, State, register


@register
class AlreadyRegistered(MessageType):
    key: ClassVar[str] = "already_registered"
    label = _("Already registered")
    states: ClassVar[frozenset[str]] = frozenset(State) - {State.CANCELLED}
    example: ClassVar[dict[str, Any]] = {"state": "approved"}
