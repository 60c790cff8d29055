"""Serializer fields of the conference API."""

import datetime as dt
import zoneinfo
from collections.abc import Callable
from typing import Any

from django.core.exceptions import ValidationError as DjangoValidationError
from rest_framework import serializers

from meeteasy.core.times import localize

_LOCAL = "Without an offset it is local time of the conference."


class LocalTimeField(serializers.DateTimeField):
    """An instant. A value without an offset is local time of the conference.

    The zone is the `time_zone` in the same request. Without one, it is that of the serializer's instance or
    of the conference in its context.
    """

    def __init__(self, **options: Any) -> None:
        given = options.pop("help_text", "")
        options["help_text"] = f"{given} {_LOCAL}".strip()
        super().__init__(**options)

    def to_internal_value(self, value: Any) -> Any:
        """A day alone is refused: as its midnight, a conference would end before its last day."""
        if isinstance(value, str) and _is_day(value):
            self.fail("date")
        return super().to_internal_value(value)

    def enforce_timezone(self, value: dt.datetime) -> dt.datetime:
        try:
            return localize(value, self._zone()).astimezone(dt.UTC)
        except DjangoValidationError as error:
            raise serializers.ValidationError(error.messages, code=error.code) from None
        except OverflowError:
            self.fail("overflow")

    def _zone(self) -> zoneinfo.ZoneInfo:
        root: Any = self.root
        sent = (getattr(root, "initial_data", None) or {}).get("time_zone")
        conference = getattr(root, "instance", None) or root.context.get("conference")
        for name in (sent, getattr(conference, "time_zone", None)):
            try:
                if isinstance(name, str):
                    return zoneinfo.ZoneInfo(name)
            except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
                continue  # refused by its own field
        return zoneinfo.ZoneInfo("UTC")


def _is_day(text: str) -> bool:
    try:
        dt.date.fromisoformat(text.strip())
    except ValueError:
        return False
    return True


def checked(clean: Callable[..., Any], **options: Any) -> list[Callable[[Any], None]]:
    """Turn a cleaner of conferences/contact.py into a validator, so that one response names all bad fields.

    The serializer then refuses the same values as the service.
    """

    def check(value: Any) -> None:
        clean(value, **options)

    return [check]
