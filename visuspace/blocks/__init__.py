"""The content of a page: a list of small blocks, one kind a file. Text is plain text.

    [{"type": "hero", "id": "b1", "schema_version": 1, "lead": "Two days about open events."},
     {"type": "agenda", "id": "b2", "schema_version": 1}]

What the database knows (speakers, sessions, dates) is not in a block; `show` adds it. The template of a kind
is `templates/visuspace/blocks/<kind>.html`.
"""

import operator
from functools import lru_cache, reduce
from typing import Annotated, Any, ClassVar, TypeVar

import msgspec
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from conferences.models import Conference
from meeteasy.core.registry import Registry

SCHEMA_VERSION = 1
MAX_BLOCKS = 30
ID_PATTERN = r"^[a-z0-9-]{1,32}\Z"
# Of these a page has one at most.
SINGLE = ("hero", "registration")

Line = Annotated[str, msgspec.Meta(max_length=200)]
Paragraph = Annotated[str, msgspec.Meta(max_length=2000)]


class Block(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", kw_only=True):
    """What all blocks have. id: unique in its page.

    label: the kind's name in the editor. labels: those of its fields. source: where the editor says that what
    the block shows beside its fields comes from.
    """

    label: ClassVar[Any] = ""
    labels: ClassVar[dict[str, Any]] = {}
    source: ClassVar[Any] = ""

    id: Annotated[str, msgspec.Meta(pattern=ID_PATTERN)]
    schema_version: Annotated[int, msgspec.Meta(ge=1, le=SCHEMA_VERSION)] = SCHEMA_VERSION

    @property
    def kind(self) -> str:
        return str(self.__struct_config__.tag)

    def show(self, conference: Conference, *, language: str) -> dict[str, Any] | None:
        """Return what the template shows, with dates in `language`. None: there is nothing to show."""
        raise NotImplementedError


_Kind = TypeVar("_Kind", bound=type[Block])

BLOCKS: Registry[type[Block]] = Registry("visuspace.blocks")


def block(kind: _Kind) -> _Kind:
    """Class decorator that registers a kind of block under its tag."""
    BLOCKS.add(str(kind.__struct_config__.tag), kind)
    return kind


@lru_cache(maxsize=1)
def _any_block() -> Any:
    return reduce(operator.or_, BLOCKS.values())


def read_blocks(value: Any) -> list[Block]:
    """Return blocks from their stored form. Raises ValidationError that names the block and the field."""
    if not isinstance(value, list) or len(value) > MAX_BLOCKS:
        message = _("This must be a list of at most %(most)s blocks.") % {"most": MAX_BLOCKS}
        raise ValidationError({"blocks": message})
    blocks: list[Block] = []
    for number, item in enumerate(value, start=1):
        try:
            blocks.append(msgspec.convert(item, _any_block()))
        except msgspec.ValidationError as error:
            message = _("Block %(number)s: %(problem)s") % {"number": number, "problem": error}
            raise ValidationError({"blocks": message}) from None
    _check_all(blocks)
    return blocks


def _check_all(blocks: list[Block]) -> None:
    ids = [block.id for block in blocks]
    if len(set(ids)) != len(ids):
        raise ValidationError({"blocks": _("Two blocks have the same id.")})
    kinds = [block.kind for block in blocks]
    for kind in SINGLE:
        if kinds.count(kind) > 1:
            raise ValidationError({"blocks": _("There can be only one block “%(kind)s”.") % {"kind": kind}})


def write_blocks(blocks: list[Block]) -> list[dict[str, Any]]:
    """Return blocks in their stored form."""
    return list(msgspec.to_builtins(blocks))
