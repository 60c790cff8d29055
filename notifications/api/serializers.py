from typing import Any

from django.conf import settings
from rest_framework import serializers

from meeteasy.core.serializers import ModelSerializer, StrictSerializer
from notifications.channels import CHANNELS
from notifications.message_types import MESSAGE_TYPES
from notifications.models import Announcement, Notification

_MESSAGE_TYPES = [(key, message_type.label) for key, message_type in sorted(MESSAGE_TYPES.items())]
_CHANNELS = [(key, channel.label) for key, channel in sorted(CHANNELS.items())]


class NotificationSerializer(ModelSerializer[Notification]):
    # Keys of the registries; the model does not list them as choices. A row of another release keeps its key.
    message_type = serializers.ChoiceField(choices=_MESSAGE_TYPES, read_only=True)
    channel = serializers.ChoiceField(choices=_CHANNELS, read_only=True)
    language = serializers.ChoiceField(choices=settings.LANGUAGES, read_only=True)

    class Meta:
        model = Notification
        fields = [
            "id", "conference_id", "registration_id", "message_type", "channel", "recipient", "language",
            "status", "attempts", "provider", "provider_id", "last_error", "scheduled_for",
            "created_at", "updated_at", "sent_at", "delivered_at",
        ]  # fmt: skip
        read_only_fields = fields


class NotificationFilter(serializers.Serializer[Any]):
    """The query of the list: `conference_id` and filters."""

    conference_id = serializers.CharField(max_length=64, help_text="The conference whose messages to list.")
    status = serializers.ChoiceField(
        choices=Notification.Status.choices, required=False, help_text="Only messages with this status."
    )
    channel = serializers.ChoiceField(
        choices=_CHANNELS, required=False, help_text="Only messages of this channel."
    )
    message_type = serializers.ChoiceField(
        choices=_MESSAGE_TYPES, required=False, help_text="Only messages of this type."
    )
    recipient = serializers.CharField(
        max_length=320, required=False, help_text="The whole email address or E.164 number."
    )
    registration_id = serializers.CharField(
        max_length=64, required=False, help_text="Only messages about this registration."
    )


class AnnouncementSerializer(ModelSerializer[Announcement]):
    class Meta:
        model = Announcement
        fields = ["id", "conference_id", "kind", "created_at", "created_by", "written", "finished_at"]
        read_only_fields = fields
        extra_kwargs = {
            "written": {"help_text": "How many messages have been written so far."},
            "finished_at": {"help_text": "When everybody had theirs; null until then."},
        }


class AnnouncementInput(StrictSerializer):
    kind = serializers.ChoiceField(
        choices=Announcement.Kind.choices, help_text="`moved`: a new date or place; or `cancelled`."
    )
