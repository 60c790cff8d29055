"""Base classes of serializers: of models, and of what clients send."""

import copy
from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple, TypeVar

from django.core.exceptions import ObjectDoesNotExist
from django.db.models import Model
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers
from rest_framework.fields import SkipField, empty
from rest_framework.relations import PKOnlyObject

_Row = TypeVar("_Row", bound=Model)

_MOST_NAMED = 20
_NAME_CHARACTERS = 64


# Values of this type are what the field would represent them by.
_AS_IT_IS: dict[type, type] = {
    serializers.CharField: str, serializers.ChoiceField: str, serializers.EmailField: str,
    serializers.URLField: str, serializers.IntegerField: int, serializers.FloatField: float,
    serializers.BooleanField: bool,
}  # fmt: skip


class _Read(NamedTuple):
    """How a field is read. source: where its value is taken from, or None if only the field itself can tell.
    plain: the type of values that are taken as they are, or None. method: what makes the value of the whole
    instance, or None."""

    name: str
    source: str | None
    plain: type | None
    method: Any
    field: Any


@cache
def _reads_of(serializer: type[serializers.Serializer[Any]]) -> list[_Read]:
    """The fields that answers of this class have, bound to a serializer of their own without a context."""
    made = serializer()
    found = []
    for field in made._readable_fields:
        is_simple = (
            len(field.source_attrs) == 1 and type(field).get_attribute is serializers.Field.get_attribute
        )
        method = None
        if type(field) is serializers.SerializerMethodField:
            method = getattr(made, str(field.method_name))
        source = str(field.source) if is_simple else None
        found.append(_Read(str(field.field_name), source, _AS_IT_IS.get(type(field)), method, field))
    return found


class AnswerMixin:
    # Represents by fields that are made once for the class: DRF copies them all for each answer, and asks
    # each of them about each row. So no field may depend on the serializer's context when it is read.

    def to_representation(self, instance: Any) -> dict[str, Any]:
        answer: dict[str, Any] = {}
        is_dict = isinstance(instance, dict)
        for name, source, plain, method, field in _reads_of(type(self)):  # type: ignore[arg-type]
            if method is not None:
                answer[name] = method(instance)
                continue
            if source is not None:
                try:
                    value = instance[source] if is_dict else getattr(instance, source)
                except (KeyError, AttributeError, ObjectDoesNotExist):
                    value = None  # perhaps the field has a default
                if type(value) is plain:
                    answer[name] = value
                    continue
                if value is not None and not callable(value):
                    answer[name] = field.to_representation(value)
                    continue
            try:
                value = field.get_attribute(instance)
            except SkipField:
                continue
            is_null = (value.pk if isinstance(value, PKOnlyObject) else value) is None
            answer[name] = None if is_null else field.to_representation(value)
        return answer


class Answer(AnswerMixin, serializers.Serializer[Any]):
    """Read only: fields are taken from models, named tuples or dicts."""


@cache
def _made_once(
    serializer: type[serializers.Serializer[Any]], language: str | None
) -> serializers.Serializer[Any]:
    return serializer()


def read_query(serializer: type[serializers.Serializer[Any]], parameters: Any) -> dict[str, Any]:
    """The checked parameters of a query. Raises ValidationError.

    To make fields takes several times as long as to check a few parameters, so they are made once, in each
    language, as fields keep what they say of bad values. The serializer can thus have no context.
    """
    checked: dict[str, Any] = _made_once(serializer, get_language()).run_validation(parameters)
    return checked


def read_body(serializer: type[serializers.Serializer[Any]], body: Any) -> dict[str, Any]:
    """The checked body of a request. Raises ValidationError."""
    given = serializer(data=body)
    given.is_valid(raise_exception=True)
    checked: dict[str, Any] = given.validated_data
    return checked


class ModelSerializer(AnswerMixin, serializers.ModelSerializer[_Row]):
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
