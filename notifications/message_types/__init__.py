"""Message types, one file each. Their templates are in templates/notifications/<key>/<language>/.

CONTRIBUTING.md has the recipe for a new one.
"""

from notifications.message_types._base import (
    MESSAGE_TYPES,
    MessageType,
    UnknownMessageTypeError,
    get_message_type,
    register,
)

__all__ = ["MESSAGE_TYPES", "MessageType", "UnknownMessageTypeError", "get_message_type", "register"]
