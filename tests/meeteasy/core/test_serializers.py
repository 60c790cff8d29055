"""Serializers of models make their fields once."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.urls import get_resolver
from django.utils import translation
from rest_framework import serializers

from conferences.api.serializers import ConferenceSerializer
from meeteasy.core.serializers import ModelSerializer, StrictModelSerializer


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
