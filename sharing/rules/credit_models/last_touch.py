"""The nearest credited share, which brought the registrant, gets all the credit."""

from collections.abc import Sequence

from django.utils.translation import gettext_lazy as _

from sharing.rules.credit_models import register


@register("last_touch", label=_("Last touch"), column=4, uses_ages=False)
def last_touch(ages_ms: Sequence[int]) -> list[float]:
    return [1.0] + [0.0] * (len(ages_ms) - 1)
