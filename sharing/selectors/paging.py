"""Pages of a list in the order of a number and a key, with cursors that say where a page ended.

A page is read as two ranges of an index: the rest of the rows with the cursor's number, then those with the
numbers after it. So the hundredth page costs what the first does, also where all rows have one number. As a
single condition (number < n OR number = n AND key > k) it would seek the number only, and go through all
rows of that number that were on the pages before.

The indexes by time end with the millisecond, so rows of the same one are sorted for each page: 50 ms where
they are 100,000. With the key behind it, an index would take two to three times its room.
"""

import base64
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import msgspec
from django.db.models import Model, Q, QuerySet

from meeteasy.core.errors import RefusedError

PAGE_OF_EXPORT = 500

Row = TypeVar("Row", bound=Model)


class BadCursorError(RefusedError):
    """The text is no cursor of ours."""

    def __init__(self) -> None:
        super().__init__(
            "invalid", "Some of the input is not valid.", status=400, cursor=["Not a cursor of this list."]
        )


def read_page(
    rows: QuerySet[Row], order: Sequence[str], *, limit: int, cursor: str = ""
) -> tuple[list[Row], str | None]:
    """A page, and the cursor of the next; None: it was the last.

    order: names as `order_by` takes them, the last two a number and a key that is unique among rows of the
    same number; names before them are the same in all rows, and only tell the database which index to use.
    Raises BadCursorError.
    """
    *_, number, key = order
    rows = rows.order_by(*order)
    if cursor:
        last_number, last_key = decode_cursor(cursor)
        try:
            rest = rows.filter(_after(key, last_key), **{_name(number): last_number})
        except ValueError as error:  # the key is a number, and the cursor's is none
            raise BadCursorError from error
        found = list(rest[: limit + 1])
        if len(found) <= limit:
            found += rows.filter(_after(number, last_number))[: limit + 1 - len(found)]
    else:
        found = list(rows[: limit + 1])
    if len(found) <= limit:
        return found, None
    last = found[limit - 1]
    return found[:limit], encode_cursor(getattr(last, _name(number)), str(getattr(last, _name(key))))


def iterate_pages(read: Callable[[str], tuple[list[Row], str | None]]) -> Iterator[list[Row]]:
    """All pages, for an export. read: gives the page at a cursor, and the next cursor.

    Not one cursor of the database: that would hold a snapshot for as long as a slow client takes, and
    SQLite's log could not be cleared.
    """
    cursor: str | None = ""
    while cursor is not None:
        page, cursor = read(cursor)
        yield page


def encode_cursor(number: int, key: str) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode([number, key])).decode().rstrip("=")


def decode_cursor(text: str) -> tuple[int, str]:
    """Raises BadCursorError."""
    try:
        raw: Any = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        number, key = msgspec.json.decode(raw, type=tuple[int, str])
    except (ValueError, msgspec.MsgspecError) as error:
        raise BadCursorError from error
    if "\0" in key or abs(number) > 2**62:
        raise BadCursorError
    return number, key


def _name(order: str) -> str:
    return order.removeprefix("-")


def _after(order: str, value: int | str) -> Q:
    return Q(**{f"{_name(order)}__{'lt' if order.startswith('-') else 'gt'}": value})
