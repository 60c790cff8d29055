"""Answers in JSON."""

from typing import Any

import msgspec
import pytest
from django.utils import translation
from django.utils.safestring import mark_safe
from django.utils.translation import gettext_lazy
from rest_framework.renderers import JSONRenderer

from meeteasy.core.json_output import JSONFormat


@pytest.mark.parametrize(
    "data",
    [
        None, [], {}, "会议", "</script>\x7f", {"n": [1, 1.5, True, None, 2**70]}, {7: mark_safe("<b>")},
        {"later": gettext_lazy("first touch")},
    ],
)  # fmt: skip
@pytest.mark.parametrize("accepted", ["application/json", "application/json; indent=4"])
def test_it_writes_what_the_framework_writes(data: Any, accepted: str) -> None:
    assert JSONFormat().render(data, accepted) == JSONRenderer().render(data, accepted)


def test_it_translates_when_it_writes() -> None:
    text = gettext_lazy("Not found.")
    with translation.override("zh-hans"):
        assert msgspec.json.decode(JSONFormat().render({"text": text})) == {"text": str(text)}


class Place(msgspec.Struct):
    code: str


@pytest.mark.parametrize("accepted", ["application/json", "application/json; indent=4"])
def test_it_writes_structs(accepted: str) -> None:
    assert msgspec.json.decode(JSONFormat().render([Place("a")], accepted)) == [{"code": "a"}]


def test_what_has_no_form_is_an_error() -> None:
    with pytest.raises(TypeError, match="object"):
        JSONFormat().render([object()])
