"""What of a block people write, read from its struct, so that the editor needs to know no kind."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from msgspec import inspect

from visuspace.blocks import Block
from visuspace.blocks.gallery import Shown

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

_LINE = 200  # longer texts get several lines
_COMMON = ("id", "schema_version")


class Form(StrEnum):
    LINE = "line"
    TEXT = "text"
    PARAGRAPHS = "paragraphs"  # a list of texts
    ROWS = "rows"  # a list of small structs of texts
    PICTURES = "pictures"  # a list of pictures, each with its description


@dataclass(frozen=True)
class Field:
    """A field of a block. max_length: of a text. max_items: of a list. columns: the texts of a row."""

    name: str
    label: "StrOrPromise"
    form: Form
    max_length: int = 0
    max_items: int = 0
    columns: tuple["Field", ...] = ()


def fields_of(kind: type[Block]) -> list[Field]:
    """Return what people write in blocks of a kind."""
    described = inspect.type_info(kind)
    assert isinstance(described, inspect.StructType)
    return [
        _describe(field.name, field.type, kind.labels)
        for field in described.fields
        if field.name not in _COMMON
    ]


def _describe(name: str, described: Any, labels: dict[str, Any]) -> Field:
    label = labels.get(name, name)
    if isinstance(described, inspect.StrType):
        most = described.max_length or 0
        return Field(name, label, Form.LINE if 0 < most <= _LINE else Form.TEXT, max_length=most)
    assert isinstance(described, inspect.ListType), f"the editor has no form for {described}"
    item, most = described.item_type, described.max_length or 0
    if isinstance(item, inspect.StrType):
        return Field(name, label, Form.PARAGRAPHS, max_length=item.max_length or 0, max_items=most)
    assert isinstance(item, inspect.StructType), f"the editor has no form for {item}"
    columns = tuple(_describe(field.name, field.type, labels) for field in item.fields)
    form = Form.PICTURES if item.cls is Shown else Form.ROWS
    return Field(name, label, form, max_items=most, columns=columns)
