"""Figures beside the share tree: totals, leaderboard, channels."""

from typing import Any

from django.db.models import Max, Sum

from analytics.models import DailySummary
from conferences.models import Conference
from console.labels import label_channel
from console.remembering import remember
from console.selectors import credit_rows
from console.selectors.people import name_sharers
from sharing.models import ChannelCount, NotCredited, ShareLink
from sharing.rules.credit_models import CREDIT_MODELS
from sharing.selectors import credits as sums
from sharing.selectors.figures import get_k_factor

ALL_DAYS = (None, None)
SHOWN = 10
# Not counted further: the list shows them by page.
_COUNTED = 10_000


def count_registrations(conference: Conference) -> dict[str, int]:
    """Return the sums of the daily summaries over all days: each registration is on one day in all."""
    names = ("registrations", "registrations_reported", "checkins")
    found = dict.fromkeys(names, 0)
    rows = DailySummary.objects.filter(conference_id=conference.id).values_list("figures", flat=True)
    for figures in rows:
        for name in names:
            found[name] += figures.get(name, 0)
    return found


def count_all(conference: Conference) -> dict[str, Any]:
    """Return the tiles: conversions, sharers, how many of those brought somebody, K-factor, the rest."""
    return remember(f"share-tiles:{conference.id}", lambda: _count_all(conference))


def _count_all(conference: Conference) -> dict[str, Any]:
    not_credited = NotCredited.objects.filter(conference_id=conference.id)
    opened = ChannelCount.objects.filter(conference_id=conference.id).aggregate(opens=Sum("opens"))
    counted = not_credited[: _COUNTED + 1].count()
    return {
        **get_k_factor(conference, ALL_DAYS),
        "bringing": sums.count_sharers(conference),
        "not_credited": min(counted, _COUNTED),
        "is_more_not_credited": counted > _COUNTED,
        "opens": opened["opens"] or 0,
    }


def read_leaderboard(conference: Conference, model: str) -> dict[str, Any]:
    """Return the best sharers under a credit model, what comes after them, and the distinct total."""
    return remember(
        f"share-leaders:{conference.id}:{model}", lambda: _read_leaderboard(conference, model)
    )  # fmt: skip


def _read_leaderboard(conference: Conference, model: str) -> dict[str, Any]:
    rows, count = credit_rows.read_sharers(conference, ALL_DAYS, model, limit=SHOWN)
    totals = sums.get_totals(conference, ALL_DAYS)
    sharers = [row["sharer"] for row in rows]
    links = ShareLink.objects.filter(conference_id=conference.id, sharer__in=sharers)
    grouped = links.values("sharer", "channel").annotate(
        opens=Sum("opens"), code=Max("code"), label=Max("label")
    )
    opens: dict[str, int] = {}
    best: dict[str, Any] = {}
    for found in grouped.order_by("sharer", "-opens", "channel"):
        opens[found["sharer"]] = opens.get(found["sharer"], 0) + found["opens"]
        best.setdefault(found["sharer"], found)
    people = name_sharers(conference, sharers)
    whole = totals["share_conversions"] if CREDIT_MODELS[model].is_fractional else totals["credits"]
    for row in rows:
        busiest = best.get(row["sharer"], {})
        row |= {
            "person": people[row["sharer"]], "opens": opens.get(row["sharer"], 0),
            "code": busiest.get("code", ""), "channel": label_channel(busiest.get("channel", "")),
        }  # fmt: skip
    return {
        "rows": rows, "totals": totals, "whole": whole, "others": max(0, count - len(rows)),
        "others_credit": max(0.0, whole - sum(row["credit"] for row in rows)),
    }  # fmt: skip


def read_channels(conference: Conference, model: str) -> dict[str, Any]:
    """Return the channels with their links, opens and credits, the best first."""
    return remember(f"share-channels:{conference.id}:{model}", lambda: _read_channels(conference, model))


def _read_channels(conference: Conference, model: str) -> dict[str, Any]:
    rows, count = credit_rows.read_channels(conference, ALL_DAYS, model, limit=20)
    return {
        "rows": [{**row, "name": label_channel(row["channel"])} for row in rows],
        "others": max(0, count - len(rows)),
        "totals": sums.get_totals(conference, ALL_DAYS),
    }
