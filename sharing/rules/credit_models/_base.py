"""The definition of a credit model, and the registry of models."""

import hashlib
from collections.abc import Callable, Sequence

import msgspec
from django.utils.functional import Promise

from meeteasy.core.registry import DuplicateMemberError, Registry

Weigh = Callable[[Sequence[int]], list[float]]

# Credits are whole numbers of 1/SCALE, so sums are exact and equal ones are equal. A third, or any other part
# of up to 28 links, and a fifth of it (position-based), is such a number: SCALE is 5 times the least common
# multiple of 1 to 28. Other parts are rounded in the twelfth digit, so that a registration's add up to 1.
SCALE = 401_567_166_000

# The sums of a sharer under all models are one row, with a column for each (models.CreditSum). A model that
# takes the place of a removed one may have its column: the sums are counted again.
COLUMNS = 8


class CreditModel(msgspec.Struct, frozen=True):
    """A way to divide the credit of one registration.

    weigh: maps the ages of the credited shares at the registration (milliseconds, nearest link first, at
        least one) to the credit of each.
    column: the number of its column in the stored sums of all time, from 1 to COLUMNS, for no other model.
    is_fractional: whether the credits of a registration add up to 1. If they do not, every view shows the
        distinct number of registrations beside the sum.
    uses_ages: whether the ages matter, and not only how many there are. If they do not, all chains of one
        length are divided alike, and so only once.
    """

    name: str
    label: str | Promise
    weigh: Weigh
    column: int
    is_fractional: bool = True
    uses_ages: bool = True

    def divide(self, ages_ms: Sequence[int]) -> list[int]:
        """The credit of each share, in units of 1/SCALE."""
        units = [round(weight * SCALE) for weight in self.weigh(ages_ms)]
        if self.is_fractional and (rest := SCALE - sum(units)):
            step = 1 if rest > 0 else -1
            for place in range(abs(rest)):
                units[place % len(units)] += step
        return units


CREDIT_MODELS: Registry[CreditModel] = Registry("sharing.rules.credit_models")
DEFAULT = "full"


def digest_models() -> str:
    """A digest (8 hex characters) of the registered models and their columns."""
    columns = sorted(f"{name} {model.column}" for name, model in CREDIT_MODELS.items())
    return hashlib.blake2b("\n".join(columns).encode(), digest_size=4).hexdigest()


def register(
    name: str, *, label: str | Promise, column: int, is_fractional: bool = True, uses_ages: bool = True
) -> Callable[[Weigh], Weigh]:
    """Register the decorated function as the credit model `name`; the arguments are CreditModel's.

    Raises DuplicateMemberError if the name or the column is taken, ValueError if there is no such column.
    """

    def add(weigh: Weigh) -> Weigh:
        taken = {model.column: other for other, model in CREDIT_MODELS.items()}
        if column in taken:
            raise DuplicateMemberError(f"credit model {name!r}: column {column} is that of {taken[column]!r}")
        if not 1 <= column <= COLUMNS:
            raise ValueError(f"credit model {name!r}: columns are 1 to {COLUMNS}, not {column}")
        CREDIT_MODELS.add(name, CreditModel(name, label, weigh, column, is_fractional, uses_ages))
        return weigh

    return add
