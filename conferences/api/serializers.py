from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from conferences.models import Conference


class ConferenceSerializer(serializers.ModelSerializer[Conference]):
    class Meta:
        model = Conference
        fields = ["id", "name", "time_zone", "starts_at", "ends_at", "created_at"]
        read_only_fields = ["created_at"]

    def validate_id(self, value: str) -> str:
        if self.instance is not None and value != self.instance.id:
            raise ValidationError("The id of a conference cannot be changed.", code="immutable")
        return value

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if self.instance is not None:
            attrs.pop("id", None)
        return attrs
