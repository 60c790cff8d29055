"""Tags of the console's templates: icons, numbers and dates by locale, small charts."""

import datetime as dt
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from babel.numbers import format_decimal, format_percent
from django import template
from django.conf import settings
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timezone import localtime

from console import charts
from console.asking import Asked
from console.formats import clock, count, day, days_until, find_locale, moment, month, short_day
from console.labels import label_channel

register = template.Library()
for write in (clock, day, days_until, moment, month, short_day):
    register.filter(write)


@register.simple_tag
@lru_cache(maxsize=256)  # rows of a table have some each
def icon(name: str, extra: str = "") -> SafeString:
    """An icon of the sprite. It says nothing by itself: a word or a label stands beside it."""
    address = static("console/icons.svg")
    return format_html(
        '<svg class="icon {}" aria-hidden="true"><use href="{}#{}"/></svg>', extra, address, name
    )


@register.filter
def num(value: Any) -> str:
    """A count with the locale's separators; a dash for what is not counted."""
    return "–" if value is None else count(value)


@register.filter
def decimal(value: float | None) -> str:
    """A number with two decimals at most, as a credit or the K-factor."""
    if value is None:
        return "–"
    return str(format_decimal(round(value, 2), format="#,##0.##", locale=find_locale()))


@register.filter
def cost(value: Any) -> str:
    """An amount of money without its currency, as small as a model's tokens: 0.0012."""
    return str(format_decimal(value, format="#,##0.00####", locale=find_locale()))


@register.filter
def percent(value: float | None) -> str:
    """A share as whole per cents, with a decimal below one per cent."""
    if value is None:
        return "–"
    return _format_percent(value, "#,##0.0%" if 0 < value < 0.01 else "#,##0%", find_locale())


@register.simple_tag
def span_of_days(starts_at: dt.datetime | None, ends_at: dt.datetime | None, zone: dt.tzinfo) -> str:
    """When a conference is, in its own zone: 26–27 Nov 2026."""
    if starts_at is None:
        return ""
    first = localtime(starts_at, zone).date()
    last = localtime(ends_at, zone).date() if ends_at else first
    return days_until(first, last)


@register.inclusion_tag("console/parts/spark.html")
def spark(values: Sequence[int], label: str) -> dict[str, Any]:
    """A small curve of a few days."""
    return {"label": label, **charts.draw_spark(values)}


@register.simple_tag
def meter(direct: float, below: float = 0) -> SafeString:
    """A bar in a track: two parts of a whole of 1."""
    first, second = charts.as_percent(direct), charts.as_percent(below)
    return format_html(
        '<svg class="meter" aria-hidden="true"><rect width="{}" height="100%"/>'
        '<rect class="below" x="{}" width="{}" height="100%"/></svg>',
        first, first, second,
    )  # fmt: skip


@register.inclusion_tag("console/parts/field.html")
def field(bound: Any, wide: bool = True) -> dict[str, Any]:
    """A form's field with its label, hint and errors."""
    widget = bound.field.widget
    kind = widget.__class__.__name__.lower()
    described = [f"{bound.auto_id}-hint"] if bound.help_text else []
    if bound.errors:
        described.append(f"{bound.auto_id}-error")
    attributes = {"class": "" if kind.startswith("checkbox") else "input"}
    if described:
        attributes["aria-describedby"] = " ".join(described)
    if bound.errors:
        attributes["aria-invalid"] = "true"
    return {"field": bound, "kind": kind, "control": bound.as_widget(attrs=attributes)}


@register.filter
def unlocalized(value: Any) -> str:
    """A number as HTML's attributes need it."""
    return str(value)


@register.simple_tag
def ratio(part: float, whole: float) -> float | None:
    """A part of a whole; None without one."""
    return part / whole if whole else None


@register.filter
def signed_percent(value: float) -> str:
    """A change in whole per cents with its sign."""
    return _format_percent(value, "+#,##0%;-#,##0%", find_locale())


@lru_cache(maxsize=4096)
def _format_percent(value: float, pattern: str, locale: str) -> str:
    return str(format_percent(value, format=pattern, locale=locale))


@register.filter
def channel(value: str) -> str:
    """The name of a share channel for people."""
    return label_channel(value)


@register.filter
def language_name(code: str) -> str:
    """The name of a language in itself: 简体中文."""
    return dict(settings.LANGUAGES).get(code, code)


@register.simple_tag
def lookup(mapping: dict[Any, Any], key: Any) -> Any:
    """A value of a mapping by a key that a template knows; 0 without one."""
    return mapping.get(key, 0)


@register.filter
def minutes(seconds: float | None) -> str:
    """A length of time as minutes and seconds: 2:31."""
    return "–" if seconds is None else f"{round(seconds) // 60}:{round(seconds) % 60:02}"


@register.simple_tag
def ask(asked: Asked, **changes: Any) -> str:
    """The query of an address that asks the same but for `changes` (console/asking.py)."""
    return asked.query(**changes)


@register.inclusion_tag("console/parts/kept.html")
def keep(asked: Asked, *without: str) -> dict[str, Any]:
    """Hidden fields, so that a form asks the same but for the fields named."""
    return {"pairs": [(name, value) for name, value in asked.pairs() if name not in without]}
