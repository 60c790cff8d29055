"""A younger share gets more credit: its weight halves with every 7 days of age at the registration."""

from collections.abc import Sequence

from django.utils.translation import gettext_lazy as _

from sharing.rules.credit_models import register

_HALF_LIFE_MS = 7 * 86_400_000


@register("time_decay", label=_("Time decay (halves every 7 days)"), column=6)
def time_decay(ages_ms: Sequence[int]) -> list[float]:
    # Ages count from the youngest share, because the weights would vanish if all shares were old.
    youngest = min(ages_ms)
    weights = [2.0 ** (-(age - youngest) / _HALF_LIFE_MS) for age in ages_ms]
    total = sum(weights)
    return [weight / total for weight in weights]
