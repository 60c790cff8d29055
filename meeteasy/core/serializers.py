"""Base classes of serializers: of models, and of what clients send."""

import copy
from collections.abc import Mapping
from typing import Any, TypeVar

from django.db.models import Model
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.fields import empty

_Row = TypeVar("_Row", bound=Model)

_MOST_NAMED = 20
_NAME_CHARACTERS = 64


class ModelSerializer(serializers.ModelSerializer[_Row]):
    # DRF's, which works the fields out of the model for each request, a quarter of a small read: here once in
    # each language, as whether a field needs a label depends on it. A subclass may change what `get_fields`
    # returns. (No docstring: it would describe each subclass without one in the API's description.)

    _made: dict[tuple[type, str | None], dict[str, serializers.Field[Any, Any, Any, Any]]] = {}

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        key = type(self), get_language()
        if key not in self._made:
            self._made[key] = super().get_fields()
        return copy.deepcopy(self._made[key])


def unknown_fields(serializer: serializers.Serializer[Any], data: Any) -> list[str]:
    """Return at most 20 names in `data` that are not fields, each cut to 64 characters."""
    if not isinstance(data, Mapping):
        return []
    unknown = [str(name) for name in data if name not in serializer.fields]
    return [name[:_NAME_CHARACTERS].replace("\0", "\ufffd") for name in unknown[:_MOST_NAMED]]


class StrictMixin:
    """Refuses unknown fields by name, together with all other problems.

    Otherwise a misspelt `timezone` would be ignored and leave a conference in UTC.
    """

    default_unknown_field = _("There is no such field.")

    def run_validation(self, data: Any = empty) -> Any:
        unknown = {name: [self.default_unknown_field] for name in unknown_fields(self, data)}  # type: ignore[arg-type]
        try:
            validated = super().run_validation(data)  # type: ignore[misc]
        except serializers.ValidationError as error:
            if unknown and isinstance(error.detail, dict):
                raise serializers.ValidationError({**error.detail, **unknown}, code="invalid") from None
            raise
        if unknown:
            raise serializers.ValidationError(unknown, code="unknown_field")
        return validated


class StrictSerializer(StrictMixin, serializers.Serializer[Any]):
    """A body or query whose fields are all known."""


class StrictModelSerializer(StrictMixin, ModelSerializer[Any]):
    """StrictSerializer for a model."""
