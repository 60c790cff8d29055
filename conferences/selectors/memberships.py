"""The conferences of a user, in the order in which they matter to them."""

import datetime as dt

from django.contrib.auth.models import User
from django.db.models import Case, F, QuerySet, When
from django.db.models.functions import Coalesce
from django.db.models.lookups import LessThan
from django.utils import timezone

from conferences.models import Member


def find_memberships(user: User, *, now: dt.datetime | None = None) -> QuerySet[Member]:
    """Return the user's memberships: what runs or comes next on top, then conferences without a date, those
    that are over, the latest first, and archived ones."""
    now = now or timezone.now()
    begins = F("conference__starts_at")
    ends = Coalesce("conference__ends_at", "conference__starts_at")
    return (
        Member.objects.filter(user=user)
        .select_related("conference")
        .alias(
            group=Case(
                When(conference__archived_at__isnull=False, then=3),
                When(LessThan(ends, now), then=2),
                When(conference__starts_at=None, then=1),
                default=0,
            )
        )
        .order_by(
            "group", Case(When(group=0, then=begins)), begins.desc(nulls_last=True),
            "-conference__created_at", "conference_id",
        )
    )  # fmt: skip
