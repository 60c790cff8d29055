"""The definition of a credit model, and the registry of models."""

from collections.abc import Callable, Sequence

import msgspec
from django.utils.functional import Promise

from meeteasy.core.registry import Registry

Weigh = Callable[[Sequence[int]], list[float]]

# Credits are whole numbers of 1/SCALE, so sums are exact and equal ones are equal. A third, or any other part
# of up to 28 links, and a fifth of it (position-based), is such a number: SCALE is 5 times the least common
# multiple of 1 to 28. Other parts are rounded in the twelfth digit, so that a registration's add up to 1.
SCALE = 401_567_166_000


class CreditModel(msgspec.Struct, frozen=True):
    """A way to divide the credit of one registration.

    weigh: maps the ages of the credited shares at the registration (milliseconds, nearest link first, at
        least one) to the credit of each.
    is_fractional: whether the credits of a registration add up to 1. If they do not, every view shows the
        distinct number of registrations beside the sum.
    """

    name: str
    label: str | Promise
    weigh: Weigh
    is_fractional: bool = True

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


def register(name: str, *, label: str | Promise, is_fractional: bool = True) -> Callable[[Weigh], Weigh]:
    """Register the decorated function as the credit model `name`."""

    def add(weigh: Weigh) -> Weigh:
        CREDIT_MODELS.add(name, CreditModel(name, label, weigh, is_fractional))
        return weigh

    return add
