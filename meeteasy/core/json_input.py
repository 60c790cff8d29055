"""Reading JSON that others wrote: strictly where it is a command, tolerantly where it carries facts."""

import codecs
import json
from typing import IO, Any

import msgspec
from django.utils.translation import gettext_noop
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

TOO_DEEP = gettext_noop("The JSON is nested too deeply: about 1,000 levels are read.")


def read_tolerantly(text: bytes) -> Any:
    """A JSON value from UTF-8 bytes. Raises ValueError with a sentence for the client.

    What msgspec refuses is read again: bytes that are not UTF-8, halves of surrogate pairs, bare control
    characters, NaN and endless numbers stay in the value for the caller to find, so that they cost no more
    than the field they are in. Nesting deeper than a thousand levels is refused, as RFC 8259 (section 9)
    allows.
    """
    try:
        return msgspec.json.decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        try:
            return json.loads(  # noqa: TID251
                text.decode("utf-8-sig", "surrogateescape"),
                strict=False,
                parse_int=_parse_int,
                parse_constant=float,
            )
        except RecursionError:
            raise ValueError(TOO_DEEP) from None
        except ValueError as error:
            raise ValueError(f"This is not JSON: {error}.") from None


def _parse_int(digits: str) -> int | float:
    """Python refuses to read more than 4,300 digits; from 40 on, a float is as far out of range."""
    return int(digits) if len(digits) < 40 else float(digits)


class StrictJSONParser(BaseParser):
    """JSON parser of the API. Refuses what no store can keep: halves of surrogate pairs, NaN, deep nesting.

    DRF's own parser lets the first two through, and ends in an error on our side with the third.
    """

    media_type = "application/json"

    def parse(self, stream: IO[bytes], media_type: str | None = None, parser_context: Any = None) -> Any:
        try:
            return msgspec.json.decode(stream.read().removeprefix(codecs.BOM_UTF8))
        except RecursionError:
            raise ParseError(TOO_DEEP) from None
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise ParseError(f"This is not JSON: {error}") from None
