from typing import Any

from rest_framework import serializers

from notifications.channels import CHANNELS
from notifications.message_types import MESSAGE_TYPES
from notifications.models import Notification


class NotificationSerializer(serializers.ModelSerializer[Notification]):
    class Meta:
        model = Notification
        fields = [
            "id", "conference_id", "registration_id", "message_type", "channel", "recipient", "language",
            "status", "attempts", "provider", "provider_id", "last_error", "scheduled_for", "expires_at",
            "created_at", "updated_at", "sent_at", "delivered_at",
        ]  # fmt: skip
        read_only_fields = fields


class NotificationQuery(serializers.Serializer[Any]):
    """`conference_id`, and filters."""

    conference_id = serializers.CharField(max_length=64)
    status = serializers.ChoiceField(choices=Notification.Status.choices, required=False)
    channel = serializers.CharField(max_length=16, required=False)
    message_type = serializers.CharField(max_length=64, required=False)
    recipient = serializers.CharField(max_length=320, required=False)
    registration_id = serializers.CharField(max_length=64, required=False)

    def validate_channel(self, value: str) -> str:
        return _known(value, CHANNELS, "channel")

    def validate_message_type(self, value: str) -> str:
        return _known(value, MESSAGE_TYPES, "message type")


def _known(value: str, registry: Any, what: str) -> str:
    if value not in registry:
        raise serializers.ValidationError(
            f"There is no {what} {value!r}; there are: {', '.join(sorted(registry))}", code="invalid_choice"
        )
    return value
