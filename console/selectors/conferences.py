"""The conferences of a user at a glance, in a fixed number of queries."""

import datetime as dt
import zoneinfo
from collections import defaultdict
from dataclasses import dataclass, field

from django.utils import timezone
from django.utils.translation import gettext as _

from analytics.models import DailySummary
from analytics.selectors.live import count_visitors_now_of
from conferences.access import Role, may
from conferences.models import Conference, Member

DAYS = 14
PAGE_SIZE = 50


@dataclass
class Glance:
    """A conference in the list. figures are empty for members who may not see them."""

    member: Member
    instant: dt.datetime
    visitors: list[int] = field(default_factory=list)  # of the last DAYS days, oldest first
    registrations: int = 0
    checkins: int = 0
    now: int = 0
    shows_figures: bool = True

    @property
    def conference(self) -> Conference:
        return self.member.conference

    @property
    def zone(self) -> zoneinfo.ZoneInfo:
        return zoneinfo.ZoneInfo(self.conference.time_zone)

    @property
    def has_visitors(self) -> bool:
        return any(self.visitors)

    @property
    def spark_label(self) -> str:
        text = _("%(name)s, visitors a day: between %(least)d and %(most)d")
        return text % {
            "name": self.conference.name, "least": min(self.visitors), "most": max(self.visitors),
        }  # fmt: skip

    @property
    def share_taken(self) -> float:
        return self.registrations / self.conference.capacity if self.conference.capacity else 0.0

    @property
    def doors_opened(self) -> bool:
        """Whether check-ins can be expected: the day of the conference has come, or somebody is in."""
        return self.checkins > 0 or (self.days_left is not None and self.days_left <= 0)

    @property
    def days_left(self) -> int | None:
        """Local days until the conference starts; None without a date."""
        starts_at = self.conference.starts_at
        if starts_at is None:
            return None
        return (timezone.localdate(starts_at, self.zone) - timezone.localdate(self.instant, self.zone)).days

    @property
    def is_over(self) -> bool:
        ends_at = self.conference.ends_at or self.conference.starts_at
        if ends_at is None:
            return False
        return timezone.localdate(ends_at, self.zone) < timezone.localdate(self.instant, self.zone)

    @property
    def is_running(self) -> bool:
        return not self.is_over and self.days_left is not None and self.days_left <= 0


def glance_at(members: list[Member], *, now: dt.datetime | None = None) -> list[Glance]:
    """Return what the list shows of these memberships. It takes two queries."""
    now = now or timezone.now()
    seen = [member for member in members if may(member.role, Role.VIEWER)]
    conferences = [member.conference for member in seen]
    figures = _read_figures([conference.id for conference in conferences])
    visitors_now = count_visitors_now_of(conferences, now=now)
    found = []
    for member in members:
        if member not in seen:
            found.append(Glance(member, now, shows_figures=False))
            continue
        days = figures[member.conference_id]
        today = timezone.localdate(now, _zone(member.conference))
        dates = [today - dt.timedelta(days=back) for back in range(DAYS - 1, -1, -1)]
        found.append(
            Glance(
                member,
                now,
                visitors=[days.get(date, {}).get("uv", 0) for date in dates],
                registrations=sum(day.get("registrations", 0) for day in days.values()),
                checkins=sum(day.get("checkins", 0) for day in days.values()),
                now=visitors_now.get(member.conference_id, 0),
            )
        )
    return found


def _read_figures(conference_ids: list[str]) -> dict[str, dict[dt.date, dict[str, int]]]:
    rows = DailySummary.objects.filter(conference_id__in=conference_ids)
    found: dict[str, dict[dt.date, dict[str, int]]] = defaultdict(dict)
    for conference_id, date, figures in rows.values_list("conference_id", "date", "figures"):
        found[conference_id][date] = figures
    return found


def _zone(conference: Conference) -> zoneinfo.ZoneInfo:
    return zoneinfo.ZoneInfo(conference.time_zone)
