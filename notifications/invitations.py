"""The .ics file of a conference: RFC 5545, in the conference's zone."""

import datetime as dt
from typing import Any

from icalendar import Calendar, Event


def make_invitation(context: dict[str, Any], *, uid: str) -> bytes | None:
    """For the templates' context; None when the conference has no date yet.

    uid: the same for all files about one registration, so that a calendar replaces the older entry.
    """
    conference, zone = context["conference"], context["zone"]
    starts_at: dt.datetime | None = conference["starts_at"]
    if starts_at is None:
        return None
    ends_at = conference["ends_at"] or starts_at + dt.timedelta(hours=1)
    calendar = Calendar()
    calendar.add("prodid", "-//MeetEasy//MeetEasy//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    event = Event()
    event.add("uid", uid)
    event.add("dtstamp", dt.datetime.now(dt.UTC))
    event.add("summary", conference["name"])
    event.add("dtstart", starts_at.astimezone(zone))
    event.add("dtend", ends_at.astimezone(zone))
    if conference["venue"]:
        event.add("location", conference["venue"])
    event.add("url", conference["url"])
    calendar.add_component(event)
    calendar.add_missing_timezones()
    return bytes(calendar.to_ical())
