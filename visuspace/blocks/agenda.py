import itertools
import zoneinfo
from typing import Any

from django.utils.translation import gettext_lazy as _

from conferences.models import Conference
from visuspace.blocks import Block, block
from visuspace.dates import format_day
from visuspace.models import Session

# What a page shows at most.
MAX_SESSIONS = 300


@block
class Agenda(Block, tag="agenda", frozen=True):
    """The conference's sessions by day, in its own zone."""

    label = _("Agenda")
    source = _("Shows the sessions of the conference. Without any it is left out.")

    def show(self, conference: Conference, *, language: str) -> dict[str, Any] | None:
        zone = zoneinfo.ZoneInfo(conference.time_zone)
        sessions = Session.objects.filter(conference=conference).prefetch_related("speakers")[:MAX_SESSIONS]
        by_day = itertools.groupby(sessions, key=lambda session: session.starts_at.astimezone(zone).date())
        days = [
            {
                "name": format_day(day, language=language),
                "sessions": [_describe(session, zone) for session in of_day],
            }
            for day, of_day in by_day
        ]
        return {"days": days} if days else None


def _describe(session: Session, zone: zoneinfo.ZoneInfo) -> dict[str, str]:
    names = [speaker.name for speaker in session.speakers.all()]
    return {
        "time": session.starts_at.astimezone(zone).strftime("%H:%M"),
        "title": session.title,
        "details": ", ".join([*names, session.room] if session.room else names),
    }
