"""Cursor paging: a cursor says where a page ended, so rows added meanwhile do not shift the next page.

A page is read as one index range for each field of the order. For `("-number", "key")` the first range has
the remaining rows with the cursor's number, and the second has the rows with the numbers after it. So the
hundredth page costs the same as the first, even if all rows have the same number. A single condition
(number < n OR number = n AND key > k) would seek only the number and scan its rows from all earlier pages.
"""

import base64
import datetime as dt
from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec
from django.core.exceptions import ValidationError
from django.db.models import Model, Q, QuerySet

from meeteasy.core.errors import RefusedError

PAGE_OF_EXPORT = 500

Row = TypeVar("Row", bound=Model)


class BadCursorError(RefusedError):
    """The text is not a cursor of this list."""

    def __init__(self) -> None:
        super().__init__(
            "invalid", "Some of the input is not valid.", status=400, cursor=["Not a cursor of this list."]
        )


def read_page(
    rows: QuerySet[Row],
    order: Sequence[str],
    *,
    limit: int,
    cursor: str = "",
    leading: Sequence[str] = (),
) -> tuple[list[Row], str | None]:
    """Return a page and the cursor of the next one, which is None after the last page.

    order: field or annotation names as in `order_by`. They are never null and unique together, and their
    values should not change between pages.
    leading: fields with the same value in all rows. They only tell the database which index to use.
    Raises BadCursorError.
    """
    ordered = rows.order_by(*leading, *order)
    if cursor:
        found = _read_after(rows, ordered, order, _decode_cursor(rows, order, cursor), limit + 1)
    else:
        found = list(ordered[: limit + 1])
    return cut_page(found, order, limit=limit)


def cut_page(found: list[Row], order: Sequence[str], *, limit: int) -> tuple[list[Row], str | None]:
    """What `read_page` returns, of up to limit + 1 rows in this order."""
    if len(found) <= limit:
        return found, None
    return found[:limit], encode_cursor(*(getattr(found[limit - 1], _name(name)) for name in order))


def encode_cursor(*values: Any) -> str:
    """Return the cursor for the rows after these values of the order's fields."""
    return base64.urlsafe_b64encode(msgspec.json.encode(values)).decode().rstrip("=")


def read_cursor(cursor: str, values: Any) -> Any:
    """Return the values of a list that pages without `read_page`; `values` is their tuple type.

    Raises BadCursorError.
    """
    try:
        return msgspec.json.decode(_read_base64(cursor), type=values)
    except ValueError as error:
        raise BadCursorError from error


def _read_base64(cursor: str) -> bytes:
    """Raises ValueError."""
    return base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))


def _read_after(
    rows: QuerySet[Row], ordered: QuerySet[Row], order: Sequence[str], last: list[Any], limit: int
) -> list[Row]:
    found: list[Row] = []
    for place in reversed(range(len(order))):
        if len(found) < limit:
            same = {_name(name): value for name, value in zip(order[:place], last, strict=False)}
            after = _after(order[place], last[place])
            found += ordered.filter(after, **same)[: limit - len(found)]
    return found


def _decode_cursor(rows: QuerySet[Any], order: Sequence[str], cursor: str) -> list[Any]:
    """Return a value for each field of the order. Raises BadCursorError."""
    try:
        values = msgspec.json.decode(_read_base64(cursor), type=list[int | str])
        return [_read_value(rows, _name(name), value) for name, value in zip(order, values, strict=True)]
    except (ValueError, TypeError, OverflowError, ValidationError) as error:
        raise BadCursorError from error


def _read_value(rows: QuerySet[Any], name: str, value: int | str) -> Any:
    """Convert to the field's type. Raises ValueError, TypeError, OverflowError or ValidationError."""
    annotation = rows.query.annotations.get(name)
    field: Any = rows.model._meta.get_field(name) if annotation is None else annotation.output_field
    read = field.to_python(value)
    if isinstance(read, dt.datetime):
        if read.tzinfo is None:
            raise ValueError("an instant without an offset")
        return read.astimezone(dt.UTC)
    if isinstance(read, int) and abs(read) > 2**62:
        raise OverflowError
    if isinstance(read, str) and "\0" in read:
        raise ValueError("PostgreSQL refuses even to compare this")
    return read


def _name(order: str) -> str:
    return order.removeprefix("-")


def _after(order: str, value: Any) -> Q:
    return Q(**{f"{_name(order)}__{'lt' if order.startswith('-') else 'gt'}": value})
