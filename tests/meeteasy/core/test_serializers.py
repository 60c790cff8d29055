"""Serializers make their fields once."""

import datetime as dt
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import models
from django.urls import get_resolver
from django.utils import translation
from rest_framework import serializers

from conferences.api.serializers import ConferenceSerializer
from meeteasy.core.serializers import Answer, ModelSerializer, StrictModelSerializer


def all_serializers(base: Any = ModelSerializer) -> Iterator[type[Any]]:
    _ = get_resolver().url_patterns  # which loads all of them
    for subclass in base.__subclasses__():
        if subclass is not StrictModelSerializer:
            yield subclass
        yield from all_serializers(subclass)


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_fields_are_those_that_drf_makes_in_each_language(language: str) -> None:
    found = list(all_serializers())
    assert len(found) >= 15
    with translation.override(language):
        for serializer in found:
            made = ModelSerializer.get_fields(serializer())
            expected = serializers.ModelSerializer.get_fields(serializer())
            assert {name: repr(field) for name, field in made.items()} == {
                name: repr(field) for name, field in expected.items()
            }


def test_each_serializer_has_fields_of_its_own() -> None:
    first, second = ConferenceSerializer(), ConferenceSerializer()
    first.fields["name"].read_only = True
    assert not second.fields["name"].read_only
    assert second.fields["name"].parent is second


class _Colour(models.TextChoices):
    RED = "red", "Red"


class _Part(Answer):
    size = serializers.IntegerField()


class _Whole(Answer):
    name = serializers.CharField()
    colour = serializers.ChoiceField(_Colour.choices)
    count = serializers.IntegerField()
    share = serializers.FloatField()
    is_new = serializers.BooleanField()
    address = serializers.URLField(required=False)
    note = serializers.CharField(default="none")
    since = serializers.DateTimeField(source="made_at")
    owner = serializers.CharField(source="user.name", allow_null=True)
    parts = _Part(many=True)
    length = serializers.SerializerMethodField()

    def get_length(self, whole: Any) -> int:
        return len(whole["parts"] if isinstance(whole, dict) else whole.parts)


@pytest.mark.parametrize(
    "values",
    [
        {
            "name": "a",
            "colour": "red",
            "count": 1,
            "share": 0.5,
            "is_new": True,
            "address": "http://a.example",
        },
        {"name": _Colour.RED, "colour": _Colour.RED, "count": True, "share": 1, "is_new": 1, "note": "b"},
        {"name": None, "colour": "", "count": None, "share": None, "is_new": None, "note": None},
        {"name": 1, "colour": "unknown", "count": "3", "share": "0.25", "is_new": "false"},
    ],
)
@pytest.mark.parametrize("shape", [dict, SimpleNamespace])
def test_answers_are_those_that_drf_makes(values: dict[str, Any], shape: Any) -> None:
    made_at = dt.datetime(2026, 5, 1, 12, tzinfo=dt.UTC)
    parts = [{"size": 1}, SimpleNamespace(size=2)]
    whole = shape(**values, made_at=made_at, user=SimpleNamespace(name="Alice"), parts=parts)
    assert _Whole(whole).data == serializers.Serializer.to_representation(_Whole(), whole)
    assert list(_Whole([whole], many=True).data) == [dict(_Whole(whole).data)]


def test_a_missing_value_is_an_error_as_in_drf() -> None:
    with pytest.raises(KeyError, match="size"):
        _ = _Part({}).data
