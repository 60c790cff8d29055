"""Query parameters that several endpoints share."""

from typing import Any

from rest_framework import serializers


class ConferenceQuery(serializers.Serializer[Any]):
    conference_id = serializers.CharField(max_length=64)


class RangeQuery(ConferenceQuery):
    """`conference_id` and a range of local days; either end may be left out."""

    to = serializers.DateField(required=False, source="last")

    def get_fields(self) -> dict[str, Any]:
        # `from` is a keyword in Python, so it cannot be declared above.
        return {**super().get_fields(), "from": serializers.DateField(required=False, source="first")}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        first, last = attrs.get("first"), attrs.get("last")
        for name, date in (("from", first), ("to", last)):
            # Days at the ends of the calendar begin or end outside it, in some zone.
            if date and not 1970 <= date.year <= 9998:
                raise serializers.ValidationError({name: "A year between 1970 and 9998 is expected."})
        if first and last and last < first:
            raise serializers.ValidationError({"to": "`to` is before `from`."})
        return attrs
