"""The rows and boxes of the share tree, ready for the template."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.utils.translation import gettext as _

from console import charts
from console.formats import count
from console.labels import label_channel
from console.selectors.people import Person
from console.selectors.share_tree import LEVELS, Forest, Node, walk
from sharing.models import ShareLink

ROW_HEIGHT = 34
# From these widths a box has room for its number and its name.
_ROOM_FOR_NUMBER, _ROOM_FOR_NAME = 0.03, 0.09
# Narrower ones, of some three pixels, could not be told apart: they are in the box of the others.
_NARROWEST = 0.004


@dataclass(frozen=True)
class View:
    """What the address says: which link is on top, which are open, and what is filtered."""

    root: str = ""
    opened: frozenset[str] | None = None
    only_bringing: bool = False
    query: str = ""

    def address(self, **changes: Any) -> str:
        """Return the query string of this view with some changes; what is empty is left out."""
        given: dict[str, Any] = {
            "root": self.root,
            "open": None if self.opened is None else ",".join(sorted(self.opened)),
            "only": "1" if self.only_bringing else "",
            **changes,
        }
        kept = {name: value for name, value in given.items() if value or (name == "open" and value == "")}
        return f"?{urlencode(kept)}" if kept else "?"


def make_rows(
    forest: Forest, people: Mapping[str, Person], view: View, *, marked: Collection[str] = ()
) -> list[dict[str, Any]]:
    """Return the rows of the tree from top to bottom, each `others` row after its siblings."""
    opened = {node.link.code for node in walk(forest.nodes) if node.is_open}
    rows: list[dict[str, Any]] = []

    def add_level(nodes: list[Node], level: int, whole: int, links: int, registrations: int) -> None:
        visible = [node for node in nodes if not view.only_bringing or node.total > 0]
        has_others = links > 0 and not (view.only_bringing and registrations == 0)
        size = len(visible) + has_others
        for place, node in enumerate(visible, 1):
            rows.append(_make_row(node, people, view, opened, marked) | {"place": place, "size": size})
            if node.is_open:
                add_level(node.children, level + 1, node.total, node.other_links, node.other_registrations)
        if has_others:
            rows.append(
                {
                    "is_others": True, "level": level, "place": size, "size": size, "links": links,
                    "registrations": registrations, "second": registrations / whole if whole else 0,
                }
            )  # fmt: skip

    add_level(forest.nodes, 1, forest.total, forest.other_links, forest.other_registrations)
    for number, row in enumerate(rows):
        row["tabindex"] = -1 if number else 0
    return rows


def _make_row(
    node: Node, people: Mapping[str, Person], view: View, opened: set[str], marked: Collection[str]
) -> dict[str, Any]:
    link = node.link
    row: dict[str, Any] = {
        "link": link, "level": node.level, **describe(link, people),
        "direct": link.direct, "below": node.below,
        "first": link.direct / node.whole if node.whole else 0,
        "second": node.below / node.whole if node.whole else 0,
        "share": node.total / node.whole if node.whole else 0,
        "is_marked": link.id in marked,
    }  # fmt: skip
    if link.child_count and node.level < LEVELS:
        changed = opened - {link.code} if node.is_open else opened | {link.code}
        # Not in the template, where a translated text with a name in it takes ten times as long.
        does = (_("Close %(name)s") if node.is_open else _("Open %(name)s")) % {"name": row["person"].name}
        row |= {"toggle": view.address(open=",".join(sorted(changed))), "is_open": node.is_open, "does": does}
    elif link.child_count:
        row["deeper"] = view.address(root=link.code, open=None)
    return row


def describe(link: ShareLink, people: Mapping[str, Person]) -> dict[str, Any]:
    """Return the name of a link: its label, else its sharer, with a short form of its code."""
    person = people[link.sharer]
    if link.is_minted and link.label:
        person = Person(link.label, True)
    return {"person": person, "tag": link.code.removeprefix("s.")[:6], "channel": label_channel(link.channel)}


def make_boxes(forest: Forest, people: Mapping[str, Person], view: View) -> list[dict[str, Any]]:
    """Return the boxes of the icicle: four levels, each as wide as its part of the registrations."""
    boxes: list[dict[str, Any]] = []
    if not forest.total:
        return boxes

    def add(nodes: list[Node], left: float, level: int, others: int) -> None:
        for node in nodes:
            width = node.total / forest.total
            if width < _NARROWEST:
                others += node.total
                continue
            name = describe(node.link, people)["person"].name
            label = _("Level %(level)s: %(name)s, %(n)s registrations") % {
                "level": level, "name": name, "n": count(node.total),
            }  # fmt: skip
            box = _make_box(left, width, level, name, node.total)
            boxes.append(box | {"url": view.address(root=node.link.code, open=None), "label": label})
            if level < LEVELS:
                add(node.children, left, level + 1, node.other_registrations if node.children else 0)
            left += width
        if others:
            boxes.append(_make_box(left, others / forest.total, level, "", others) | {"is_others": True})

    add(forest.nodes, 0.0, 1, forest.other_registrations)
    return boxes


def _make_box(left: float, width: float, level: int, name: str, total: int) -> dict[str, Any]:
    return {
        "x": charts.as_percent(left), "width": charts.as_percent(width), "y": (level - 1) * ROW_HEIGHT,
        "level": level, "name": name, "total": total, "height": ROW_HEIGHT,
        "has_number": width >= _ROOM_FOR_NUMBER, "has_name": width >= _ROOM_FOR_NAME,
    }  # fmt: skip
