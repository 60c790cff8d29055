"""What happens today: figures so far, and who is here now."""

import datetime as dt
import time
from typing import Any

from django.core.cache import cache
from django.utils import timezone

from analytics import counters
from analytics.figures import compute_figures
from analytics.zones import local_date
from conferences.models import Conference

# Today's figures are counted from the store, so they are exact, and at most this often per conference,
# however many look on; a conference whose count takes long is counted less often (5 % of a core at most).
_MIN_SECONDS = 1
_SHARE_OF_A_CORE = 0.05


def get_live(
    conference: Conference, *, now: dt.datetime | None = None, fresh: bool = False
) -> dict[str, Any]:
    """Today's figures of the conference's local day so far, and the visitors of the last 5 minutes.

    fresh: count now, for a caller that limits by itself how often it does.
    """
    now = now or timezone.now()
    date = local_date(conference.time_zone, round(now.timestamp() * 1000))
    return {
        "conference_id": conference.id,
        "date": date.isoformat(),
        **_figures_of_today(conference.id, date, fresh=fresh),
        "visitors_now": counters.count_visitors_now(conference.id, now=now),
    }


def _figures_of_today(conference_id: str, date: dt.date, *, fresh: bool) -> dict[str, int]:
    key = f"live:figures:{conference_id}:{date.isoformat()}"
    figures: dict[str, int] | None = None if fresh else cache.get(key)
    if figures is None:
        started = time.monotonic()
        figures = compute_figures(conference_id, date)
        took = time.monotonic() - started
        cache.set(key, figures, timeout=_cache_seconds(took))
    return figures


def _cache_seconds(took: float) -> int:
    return max(_MIN_SECONDS, round(took / _SHARE_OF_A_CORE))
