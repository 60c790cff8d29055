"""Each of the n credited shares gets the same credit: 1/n."""

from collections.abc import Sequence

from django.utils.translation import gettext_lazy as _

from sharing.rules.credit_models import register


@register("linear", label=_("Linear"), column=2, uses_ages=False)
def linear(ages_ms: Sequence[int]) -> list[float]:
    return [1 / len(ages_ms)] * len(ages_ms)
