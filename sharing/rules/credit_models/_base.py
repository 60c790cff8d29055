"""The definition of a credit model, and the registry of models."""

from collections.abc import Callable, Sequence

import msgspec
from django.utils.functional import Promise

from meeteasy.core.registry import Registry

Weigh = Callable[[Sequence[int]], list[float]]


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


CREDIT_MODELS: Registry[CreditModel] = Registry("sharing.rules.credit_models")
DEFAULT = "full"


def register(name: str, *, label: str | Promise, is_fractional: bool = True) -> Callable[[Weigh], Weigh]:
    """Register the decorated function as the credit model `name`."""

    def add(weigh: Weigh) -> Weigh:
        CREDIT_MODELS.add(name, CreditModel(name, label, weigh, is_fractional))
        return weigh

    return add
