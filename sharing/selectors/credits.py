"""Sums of credits under a model: in total, by sharer, and by channel."""

import heapq
from collections import defaultdict
from itertools import groupby
from operator import itemgetter
from typing import Any

from django.db.models import Count, F, Q, QuerySet, Sum

from conferences.models import Conference
from sharing.models import Credit, ShareLink
from sharing.rules.credit_models import CREDIT_MODELS, DEFAULT
from sharing.selectors.conversions import count_conversions
from sharing.selectors.days import Range, in_range


def get_totals(conference: Conference, days: Range) -> dict[str, int]:
    """The number of distinct share conversions, of those that are only reported, and of their credits."""
    return {
        **count_conversions(conference, days),
        "credits": _get_credits(conference, days).count(),
    }


def get_leaderboard(
    conference: Conference, days: Range, model: str, *, limit: int
) -> tuple[list[dict[str, Any]], int]:
    """The top `limit` sharers by their credit under a model, highest first, and the number of all sharers.

    Each sharer's registrations are counted once.
    """
    if model == DEFAULT and days == (None, None):
        # The links' own counters give the same number 20 times as fast: a sharer gets one credit per
        # registration.
        links = ShareLink.objects.filter(conference_id=conference.id).values("sharer")
        summed = links.annotate(
            direct=Sum("direct"), assisted=Sum("assisted"), registrations=F("direct") + F("assisted")
        ).filter(registrations__gt=0)
        rows = summed.order_by("-registrations", "sharer")[:limit]
        return [{**row, "credit": float(row["registrations"])} for row in rows], summed.count()
    credits = _get_credits(conference, days)
    count = credits.order_by().values("link__sharer").distinct().count()
    return _sum_by("sharer", credits, model, limit=limit), count


def get_channels(
    conference: Conference, days: Range, model: str, *, limit: int
) -> tuple[list[dict[str, Any]], int]:
    """The top `limit` channels by their credit under a model, highest first, and the number of all channels.

    Links, opens and distinct openers per link are of all time. Channels without credit come last.
    """
    rows = {
        row["channel"]: row for row in _sum_by("channel", _get_credits(conference, days), model, limit=limit)
    }
    links = ShareLink.objects.filter(conference_id=conference.id).values("channel").order_by()
    counted = links.annotate(links=Count("*"), opens=Sum("opens"), openers=Sum("openers"))
    for found in counted.filter(channel__in=list(rows)):
        rows[found["channel"]] |= found
    nothing = {"credit": 0.0, "registrations": 0, "direct": 0, "assisted": 0}
    others = counted.exclude(channel__in=list(rows)).order_by("channel")
    without = others[: limit - len(rows)]
    return [*rows.values(), *(nothing | found for found in without)], links.distinct().count()


def _get_credits(conference: Conference, days: Range) -> QuerySet[Credit]:
    return Credit.objects.filter(
        in_range(conference, days, "conversion__registered_ms"), conversion__conference_id=conference.id
    )


def _sum_by(by: str, credits: QuerySet[Credit], model: str, *, limit: int) -> list[dict[str, Any]]:
    """The `limit` highest sums of credits, grouped by a field of their links."""
    counted = credits.values(**{by: F(f"link__{by}")}).annotate(
        credit=Count("*"),
        registrations=Count("conversion", distinct=True),
        direct=Count("link", filter=Q(link=F("conversion__nearest"))),
        assisted=F("credit") - F("direct"),
    )
    if model == DEFAULT:  # each credit is 1, so the database can find the highest
        first = counted.order_by("-credit", by)[:limit]
        return [{**row, "credit": float(row["credit"])} for row in first]
    sums = _weigh_by(by, credits, model)
    highest = heapq.nsmallest(limit, sums, key=lambda name: (-sums[name], name))
    rows: dict[str, dict[str, Any]] = {}
    for row in counted.filter(**{f"link__{by}__in": highest}):
        name = row[by]  # type: ignore[literal-required]
        rows[name] = {**row, "credit": sums[name]}
    return [rows[name] for name in highest if name in rows]


def _weigh_by(by: str, credits: QuerySet[Credit], model: str) -> dict[str, float]:
    """Sums under a model whose credits depend on the whole chain. Keeps one chain in memory at a time."""
    weigh = CREDIT_MODELS[model].weigh
    rows = credits.order_by("conversion_id", "distance").values_list("conversion_id", "age_ms", f"link__{by}")
    sums: dict[str, float] = defaultdict(float)
    for _, chain in groupby(rows.iterator(chunk_size=5000), key=itemgetter(0)):
        ages, names = zip(*((age, name) for _, age, name in chain), strict=True)
        for name, credit in zip(names, weigh(ages), strict=True):
            sums[name] += credit
    return sums
