"""The root-most credited share, which started the chain, gets all the credit."""

from collections.abc import Sequence

from django.utils.translation import gettext_lazy as _

from sharing.rules.credit_models import register


@register("first_touch", label=_("First touch"), column=3, uses_ages=False)
def first_touch(ages_ms: Sequence[int]) -> list[float]:
    return [0.0] * (len(ages_ms) - 1) + [1.0]
