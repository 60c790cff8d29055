"""Queries for generation jobs."""

import datetime as dt
import zoneinfo
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Count, Sum

from conferences.models import Conference
from visuspace.models import GenerationJob, Page


@dataclass(frozen=True)
class Use:
    """What a conference has used up today, by its own calendar. cost: in the currency of AI_PRICE_*."""

    generations: int
    cost: Decimal


def measure_use(conference: Conference, *, now: dt.datetime) -> Use:
    """Return a conference's use of the day, of all its pages."""
    local = now.astimezone(zoneinfo.ZoneInfo(conference.time_zone))
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    jobs = GenerationJob.objects.filter(page__conference=conference, created_at__gte=midnight)
    sums = jobs.aggregate(number=Count("pk"), cost=Sum("cost"))
    return Use(sums["number"], sums["cost"] or Decimal(0))


def find_latest_job(page: Page) -> GenerationJob | None:
    """Return the job of a page that was asked for last, with its revision."""
    return page.jobs.select_related("revision", "created_by").first()
