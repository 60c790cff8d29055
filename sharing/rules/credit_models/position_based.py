"""The nearest and the root-most share get 40 % each, those between share 20 %; two shares get half each."""

from collections.abc import Sequence

from django.utils.translation import gettext_lazy as _

from sharing.rules.credit_models import register


@register("position_based", label=_("Position-based (40/20/40)"), column=5, uses_ages=False)
def position_based(ages_ms: Sequence[int]) -> list[float]:
    count = len(ages_ms)
    if count <= 2:
        return [1 / count] * count
    return [0.4, *[0.2 / (count - 2)] * (count - 2), 0.4]
