"""Pages of a list by cursors that say where a page ended, so that rows added meanwhile shift nothing.

A page is read as one range of an index for each field of the order: of `("-number", "key")` the rest of the
rows with the cursor's number, then those with the numbers after it. So the hundredth page costs what the
first does, also where all rows have one number. As a single condition (number < n OR number = n AND key > k)
it would seek the number only, and go through all rows of that number that were on the pages before.
"""

import base64
import datetime as dt
from collections.abc import Callable, Iterator, Sequence
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
    """A page, and the cursor of the next one; None after the last.

    order: names as `order_by` takes them, of fields or annotations that are never null. Together they must be
    unique, and their values should not change while somebody pages.
    leading: fields that are the same in all rows; they only tell the database which index to use.
    Raises BadCursorError.
    """
    ordered = rows.order_by(*leading, *order)
    if cursor:
        found = _read_after(rows, ordered, order, _decode_cursor(rows, order, cursor), limit + 1)
    else:
        found = list(ordered[: limit + 1])
    if len(found) <= limit:
        return found, None
    return found[:limit], encode_cursor(*(getattr(found[limit - 1], _name(name)) for name in order))


def iterate_pages(read: Callable[[str], tuple[list[Row], str | None]]) -> Iterator[list[Row]]:
    """All pages, for an export. read: gives the page at a cursor, and the next cursor.

    Not one cursor of the database: that would hold a snapshot for as long as a slow client takes, and
    SQLite's log could not be cleared.
    """
    cursor: str | None = ""
    while cursor is not None:
        page, cursor = read(cursor)
        yield page


def encode_cursor(*values: Any) -> str:
    """The cursor of the rows after these values of the order's fields."""
    return base64.urlsafe_b64encode(msgspec.json.encode(values)).decode().rstrip("=")


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
    """A value for each field of the order. Raises BadCursorError."""
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        values = msgspec.json.decode(raw, type=list[int | str])
        return [_read_value(rows, _name(name), value) for name, value in zip(order, values, strict=True)]
    except (ValueError, TypeError, OverflowError, ValidationError) as error:
        raise BadCursorError from error


def _read_value(rows: QuerySet[Any], name: str, value: int | str) -> Any:
    """As the field's type. Raises ValueError, TypeError, OverflowError or ValidationError."""
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
