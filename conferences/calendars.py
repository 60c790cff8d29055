"""Calendar entries of conferences: RFC 5545, in the conference's zone."""

import datetime as dt
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from icalendar import Event


def make_entry(
    *,
    uid: str,
    name: str,
    starts_at: dt.datetime,
    ends_at: dt.datetime | None,
    zone: dt.tzinfo,
    venue: str = "",
    url: str = "",
) -> "Event":
    """Make the entry of a conference. Without an end it takes an hour.

    uid: the same in all files about one thing, so that a calendar finds its entry.
    """
    from icalendar import Event  # every process has this module, and most make no file

    event = Event()
    event.add("uid", uid)
    event.add("dtstamp", dt.datetime.now(dt.UTC))
    event.add("summary", name)
    event.add("dtstart", starts_at.astimezone(zone))
    event.add("dtend", (ends_at or starts_at + dt.timedelta(hours=1)).astimezone(zone))
    if venue:
        event.add("location", venue)
    if url:
        event.add("url", url)
    return event


def make_file(event: "Event", *, method: str) -> bytes:
    """Return the .ics file of one entry, in UTF-8. method: PUBLISH, REQUEST or CANCEL (RFC 5546)."""
    from icalendar import Calendar

    calendar = Calendar()
    calendar.add("prodid", "-//MeetEasy//MeetEasy//EN")
    calendar.add("version", "2.0")
    calendar.add("method", method)
    calendar.add_component(event)
    # By default the zone's changes of offset end with 2037, and later conferences would be an hour off.
    calendar.add_missing_timezones(last_date=dt.date(min(event.end.year + 1, dt.MAXYEAR), 1, 1))
    return bytes(calendar.to_ical())
