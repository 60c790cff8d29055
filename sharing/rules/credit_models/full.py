"""Every ancestor gets the whole credit. The default: it answers "whom would we have missed"."""

from collections.abc import Sequence

from django.utils.translation import gettext_lazy as _

from sharing.rules.credit_models import register


@register("full", label=_("Full credit to every ancestor"), column=1, is_fractional=False, uses_ages=False)
def full(ages_ms: Sequence[int]) -> list[float]:
    return [1.0] * len(ages_ms)
