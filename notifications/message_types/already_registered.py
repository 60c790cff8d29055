"""Tells the owner of a registered address that the form was submitted with it again. Only they learn it."""

from typing import ClassVar

from django.utils.translation import gettext_lazy as _

from notifications.message_types._base import MessageType, State, register


@register
class AlreadyRegistered(MessageType):
    key: ClassVar[str] = "already_registered"
    label = _("Already registered")
    states: ClassVar[frozenset[str]] = frozenset(State) - {State.CANCELLED}
