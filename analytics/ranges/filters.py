"""Filters of a summary: each selects the visits that contain a match."""

from collections.abc import Sequence
from typing import NamedTuple

from analytics.ranges.columns import DIMENSIONS, ENTRY_PAGE

IS, CONTAINS = "is", "contains"
MAX_FILTERS = 10
MAX_VALUE_LENGTH = 512
FILTERED = (*DIMENSIONS, ENTRY_PAGE)


class Filter(NamedTuple):
    """dimension: of FILTERED. operator: IS or CONTAINS (in whatever case). value: "" is what is not known."""

    dimension: str
    operator: str
    value: str

    def __str__(self) -> str:
        return f"{self.dimension}:{self.operator}:{self.value}"


def parse_filters(texts: Sequence[str]) -> list[Filter]:
    """Read `dimension:is:value` and `dimension:contains:value`. Raises ValueError that says what is wrong."""
    if len(texts) > MAX_FILTERS:
        raise ValueError(f"At most {MAX_FILTERS} filters are combined.")
    found = []
    for text in texts:
        dimension, _, rest = text.partition(":")
        operator, colon, value = rest.partition(":")
        if not colon or operator not in (IS, CONTAINS):
            raise ValueError(
                f"A filter is like `page:is:/agenda` or `page:contains:agenda`, not `{text[:80]}`."
            )
        if dimension not in FILTERED:
            raise ValueError(f"`{dimension[:40]}` is none of {', '.join(FILTERED)}.")
        if len(value) > MAX_VALUE_LENGTH or "\0" in value:
            raise ValueError(
                f"The value of `{dimension}` may have {MAX_VALUE_LENGTH} characters, and no NUL."
            )
        if operator == CONTAINS and not value:
            raise ValueError(f"`{dimension}:contains:` needs a text.")
        found.append(Filter(dimension, operator, value))
    return sorted(set(found))
