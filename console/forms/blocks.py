"""The editor's form for the blocks of a page: fields with labels, no JSON.

Each block posts a hidden `block` ("text-1:text", id and kind) and its fields, whose names begin with its id.
The order of the hidden fields is that of the page. `read_blocks` takes that apart without judging it, so
that moving, adding and removing blocks keeps whatever was typed; BlockForm judges.
"""

import re
from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from visuspace.block_fields import Field, Form, fields_of
from visuspace.blocks import BLOCKS, ID_PATTERN, MAX_BLOCKS, SCHEMA_VERSION, SINGLE
from visuspace.models import Picture

_ID = re.compile(ID_PATTERN)
_BLANK_LINES = re.compile(r"\n\s*\n")


@dataclass
class RawBlock:
    """A block as it was stored or typed. values: by the names of its fields, in the stored shape."""

    kind: str
    id: str
    values: dict[str, Any] = field(default_factory=dict)


def from_stored(blocks: list[dict[str, Any]]) -> list[RawBlock]:
    """Return blocks of a revision."""
    return [RawBlock(stored["type"], stored["id"], stored) for stored in blocks]


def read_blocks(data: QueryDict) -> list[RawBlock]:
    """Return the blocks that a form was sent with, MAX_BLOCKS at most. What is no block is left out."""
    found: dict[str, RawBlock] = {}
    for name in data.getlist("block")[:MAX_BLOCKS]:
        id, _colon, kind = name.partition(":")
        if kind in BLOCKS and _ID.match(id) and id not in found:
            values = {spec.name: _read(data, f"{id}.{spec.name}", spec) for spec in fields_of(BLOCKS[kind])}
            found[id] = RawBlock(kind, id, values)
    return list(found.values())


def _read(data: QueryDict, name: str, spec: Field) -> Any:
    match spec.form:
        case Form.PARAGRAPHS:
            return split_paragraphs(data.get(name, ""))
        case Form.ROWS:
            rows = [
                {
                    column.name: data.get(f"{name}-{number}-{column.name}", "").strip()
                    for column in spec.columns
                }
                for number in range(spec.max_items + 1)
            ]
            return [row for row in rows if any(row.values())]
        case Form.PICTURES:
            return [
                {"picture": chosen, "alt": data.get(f"{name}-{chosen}-alt", "").strip()}
                for chosen in dict.fromkeys(data.getlist(name))
            ]
        case _:
            return data.get(name, "").replace("\r\n", "\n").strip()


def split_paragraphs(text: str) -> list[str]:
    """Return the paragraphs of a text: what empty lines separate, each as one line."""
    parts = (" ".join(part.split()) for part in _BLANK_LINES.split(text.replace("\r", "")))
    return [part for part in parts if part]


class BlockForm(forms.Form):
    """The fields of one block. With `check`, typed values are judged; without, they are only shown.

    pictures: those of the conference that can be chosen.
    """

    def __init__(self, raw: RawBlock, *, pictures: list[Picture], check: bool = False) -> None:
        self.raw, self.kind, self.id = raw, BLOCKS[raw.kind], raw.id
        self.specs = fields_of(self.kind)
        self._pictures = pictures
        values: dict[str, Any] = {}
        built: dict[str, forms.Field] = {}
        for spec in self.specs:
            for name, form_field, value in self._build(spec, raw.values.get(spec.name)):
                built[name], values[name] = form_field, value
        data = {f"{raw.id}.{name}": value for name, value in values.items()} if check else None
        super().__init__(data, initial=values, prefix=raw.id)
        self.fields.update(built)

    def _build(self, spec: Field, value: Any) -> list[tuple[str, forms.Field, Any]]:
        """Return name, form field and value of what a block's field consists of."""
        match spec.form:
            case Form.ROWS:
                rows = [*(value or []), {}][: spec.max_items]  # an empty one to fill in
                return [
                    (f"{spec.name}-{number}-{column.name}", _text_field(column), row.get(column.name, ""))
                    for number, row in enumerate(rows)
                    for column in spec.columns
                ]
            case Form.PICTURES:
                alts = {chosen["picture"]: chosen["alt"] for chosen in value or []}
                (alt,) = (column for column in spec.columns if column.name == "alt")
                return [
                    (f"{spec.name}-{picture.pk}-alt", _text_field(alt), alts.get(picture.pk, ""))
                    for picture in self._pictures
                ]
            case Form.PARAGRAPHS:
                return [(spec.name, _ParagraphsField(spec), "\n\n".join(value or []))]
            case _:
                return [(spec.name, _text_field(spec), value or "")]

    def add_prefix(self, field_name: str) -> str:
        return f"{self.prefix}.{field_name}"  # ids have no dots, so no two blocks share a name

    # A template would call the class.
    @property
    def label(self) -> Any:
        return self.kind.label or self.raw.kind

    @property
    def source(self) -> Any:
        return self.kind.source

    @property
    def up(self) -> str:
        return f"up:{self.id}"

    @property
    def down(self) -> str:
        return f"down:{self.id}"

    @property
    def parts(self) -> list[dict[str, Any]]:
        """Return the block's fields for the template, by rows and pictures where it has them."""
        return [self._part(spec) for spec in self.specs]

    def _part(self, spec: Field) -> dict[str, Any]:
        part: dict[str, Any] = {"spec": spec, "name": f"{self.id}.{spec.name}"}
        if spec.form == Form.ROWS:
            count = min(len(self.raw.values.get(spec.name) or []) + 1, spec.max_items)
            part["rows"] = [
                [self[f"{spec.name}-{number}-{column.name}"] for column in spec.columns]
                for number in range(count)
            ]
        elif spec.form == Form.PICTURES:
            chosen = [shown["picture"] for shown in self.raw.values.get(spec.name) or []]
            known = {picture.pk: picture for picture in self._pictures}
            first = [known[pk] for pk in chosen if pk in known]
            rest = [picture for picture in self._pictures if picture.pk not in chosen]
            part["pictures"] = [
                {
                    "picture": picture,
                    "chosen": picture.pk in chosen,
                    "alt": self[f"{spec.name}-{picture.pk}-alt"],
                }
                for picture in [*first, *rest]
            ]
        else:
            part["field"] = self[spec.name]
        return part

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        for spec in self.specs:
            value = self.raw.values.get(spec.name) or []
            if spec.form == Form.ROWS:
                self._check_rows(spec, value)
            elif spec.form == Form.PICTURES:
                self._check_pictures(spec, value)
        return cleaned

    def _check_rows(self, spec: Field, rows: list[dict[str, str]]) -> None:
        for number, row in enumerate(rows[: spec.max_items]):
            for column in spec.columns:
                if not row[column.name]:
                    self.add_error(f"{spec.name}-{number}-{column.name}", _("Fill in both, or neither."))
        if len(rows) > spec.max_items:
            name = f"{spec.name}-{spec.max_items - 1}-{spec.columns[0].name}"
            self.add_error(name, _("There can be at most %(most)s.") % {"most": spec.max_items})

    def _check_pictures(self, spec: Field, chosen: list[dict[str, str]]) -> None:
        known = {picture.pk for picture in self._pictures}
        shown = [item for item in chosen if item["picture"] in known]  # others were deleted meanwhile
        for number, item in enumerate(shown):
            name = f"{spec.name}-{item['picture']}-alt"
            if number >= spec.max_items:
                self.add_error(name, _("There can be at most %(most)s.") % {"most": spec.max_items})
            elif not item["alt"]:
                self.add_error(name, _("Say what is on it, for those who cannot see it."))

    def to_stored(self) -> dict[str, Any]:
        """Return the block in its stored form. Call it on a valid form."""
        known = {picture.pk for picture in self._pictures}
        stored: dict[str, Any] = {"type": self.raw.kind, "id": self.id, "schema_version": SCHEMA_VERSION}
        for spec in self.specs:
            value = self.raw.values[spec.name]
            if spec.form == Form.PICTURES:
                value = [item for item in value if item["picture"] in known]
            stored[spec.name] = value
        return stored


def _text_field(spec: Field) -> forms.CharField:
    rows = 2 if spec.max_length <= 600 else 4
    widget = forms.TextInput() if spec.form == Form.LINE else forms.Textarea(attrs={"rows": rows})
    return forms.CharField(
        label=spec.label, max_length=spec.max_length or None, required=False, widget=widget
    )


class _ParagraphsField(forms.CharField):
    """Several paragraphs in one field, with an empty line between them."""

    def __init__(self, spec: Field) -> None:
        super().__init__(
            label=spec.label, required=False, widget=forms.Textarea(attrs={"rows": 6}),
            help_text=_("An empty line begins a new paragraph."),
        )  # fmt: skip
        self.spec = spec

    def validate(self, value: Any) -> None:
        super().validate(value)
        paragraphs = split_paragraphs(str(value))
        if len(paragraphs) > self.spec.max_items:
            message = _("There can be at most %(most)s paragraphs.") % {"most": self.spec.max_items}
            raise forms.ValidationError(message)
        if any(len(paragraph) > self.spec.max_length for paragraph in paragraphs):
            message = _("A paragraph has at most %(most)s characters.") % {"most": self.spec.max_length}
            raise forms.ValidationError(message)


def change(raws: list[RawBlock], action: str) -> str:
    """Change the list as a button says: `up:<id>`, `down:<id>`, `remove:<id>`, `add:<kind>`,
    `earlier:<id>:<field>:<picture>`. Returns the id of the block to go on with; "" if nothing changed.
    """
    verb, _colon, rest = action.partition(":")
    ids = [raw.id for raw in raws]
    if verb == "add":
        return _add(raws, rest)
    subject, _colon, more = rest.partition(":")
    if subject not in ids:
        return ""
    place = ids.index(subject)
    if verb == "remove":
        del raws[place]
        return raws[min(place, len(raws) - 1)].id if raws else ""
    if verb in ("up", "down"):
        target = min(max(place + (1 if verb == "down" else -1), 0), len(raws) - 1)
        raws.insert(target, raws.pop(place))
    elif verb == "earlier":
        name, _colon, picture = more.partition(":")
        shown = raws[place].values.get(name) or []
        at = next((number for number, item in enumerate(shown) if item.get("picture") == picture), 0)
        if at:
            shown.insert(at - 1, shown.pop(at))
    return subject


def _add(raws: list[RawBlock], kind: str) -> str:
    if kind not in addable_kinds(raws):
        return ""
    taken = {raw.id for raw in raws}
    names = (kind if number == 1 else f"{kind}-{number}" for number in range(1, MAX_BLOCKS + 2))
    made = RawBlock(kind, next(name for name in names if name not in taken))
    raws.append(made)
    return made.id


def addable_kinds(raws: list[RawBlock]) -> list[str]:
    """Return the kinds of which another block may be added."""
    if len(raws) >= MAX_BLOCKS:
        return []
    present = {raw.kind for raw in raws}
    return [kind for kind in BLOCKS if kind not in SINGLE or kind not in present]
