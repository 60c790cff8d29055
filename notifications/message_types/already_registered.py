"""Somebody submitted the form with an address that is registered already. Only its owner learns that."""

from typing import ClassVar

from django.utils.translation import gettext_lazy as _

from notifications.message_types._base import MessageType, State, register


@register
class AlreadyRegistered(MessageType):
    key: ClassVar[str] = "already_registered"
    label = _("Already registered")
    states: ClassVar[frozenset[str]] = frozenset(State) - {State.CANCELLED}
