"""The panels of the overview: which there are, what their values are called, how they are laid out."""

from typing import Any, NamedTuple

from babel import Locale
from django.utils.translation import get_language, to_locale
from django.utils.translation import gettext_lazy as _

from analytics.ranges.filters import CONTAINS, IS, Filter
from analytics.ranges.results import PANELS
from analytics.ranges.rows import Panel
from console import charts
from console.asking import Asked
from console.labels import label_channel, label_site


class Kind(NamedTuple):
    """name: of PANELS. label, unit: the head of the panel and of its column."""

    name: str
    label: Any
    unit: Any

    @property
    def dimension(self) -> str:
        return PANELS[self.name]


_VIEWS = _("Views")
# Those of a card share its place, as tabs.
CARDS = (
    (Kind("pages", _("Pages"), _VIEWS), Kind("entry_pages", _("Entry pages"), _("Visits"))),
    (Kind("referrers", _("Referrers"), _VIEWS), Kind("groups", _("Groups"), _VIEWS)),
    (Kind("channels", _("Channels"), _("Shares")),),
    (
        Kind("campaigns", _("Campaigns"), _VIEWS),
        Kind("sources", _("Sources"), _VIEWS),
        Kind("mediums", _("Media"), _VIEWS),
    ),
    (
        Kind("devices", _("Devices"), _VIEWS),
        Kind("browsers", _("Browsers"), _VIEWS),
        Kind("systems", _("Systems"), _VIEWS),
        Kind("apps", _("Apps"), _VIEWS),
    ),
    (Kind("countries", _("Countries"), _VIEWS),),
)
KINDS = {kind.name: kind for card in CARDS for kind in card}
_BY_DIMENSION = {kind.dimension: kind for kind in KINDS.values()}

_GROUPS = {
    "direct": _("Direct"), "own": _("This site"), "share": _("Share links"), "search": _("Search"),
    "social": _("Social networks"), "messenger": _("Messengers"), "mail": _("Mail"),
    "other": _("Other sites"),
}  # fmt: skip
_DEVICES = {"desktop": _("Computer"), "phone": _("Smartphone"), "tablet": _("Tablet"), "tv": _("Television")}


def label_value(dimension: str, value: str) -> str:
    """Return what a value of a dimension is called for people."""
    if dimension == "group":
        return str(_GROUPS.get(value, value))
    if dimension == "device":
        return str(_DEVICES.get(value, value))
    if dimension == "channel":
        return label_channel(value)
    if dimension in ("referrer", "app"):
        return label_site(value)
    if dimension == "country":
        territories = Locale.parse(to_locale(get_language() or "en")).territories
        return str(territories.get(value.upper(), value))
    return value


def label_dimension(dimension: str) -> str:
    """Return the head of a dimension's panel; its name if it has none."""
    kind = _BY_DIMENSION.get(dimension)
    return str(kind.label) if kind else dimension


def describe_filters(asked: Asked) -> list[dict[str, Any]]:
    """Return the chips: what each filter says, and the address without it."""
    return [
        {
            "label": label_dimension(item.dimension),
            "contains": item.operator == CONTAINS,
            "value": item.value if item.operator == CONTAINS else label_value(item.dimension, item.value),
            "without": asked.query(without=item),
        }
        for item in asked.filters
    ]


def lay_out(panels: dict[str, Panel], asked: Asked) -> list[list[dict[str, Any]]]:
    """Return the cards with their panels."""
    return [[present(kind, panels[kind.name], asked) for kind in card] for card in CARDS]


def present(kind: Kind, panel: Panel, asked: Asked) -> dict[str, Any]:
    """Return a panel with its rows: label, bar, and the address that filters by it."""
    most = max((row.count for row in panel.rows), default=0) or 1
    rows = []
    for row in panel.rows:
        chosen = Filter(kind.dimension, IS, row.value)
        is_chosen = chosen in asked.filters
        rows.append(
            {
                "label": label_value(kind.dimension, row.value), "count": row.count,
                "visitors": row.visitors, "width": charts.as_percent(row.count / most),
                "is_chosen": is_chosen,
                "query": asked.query(without=chosen) if is_chosen
                else asked.query(with_filter=chosen) if asked.has_room else "",
            }
        )  # fmt: skip
    return {
        "kind": kind, "rows": rows, "others": panel.others_values, "others_count": panel.others_count,
    }  # fmt: skip
