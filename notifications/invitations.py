"""The .ics file of a registration: RFC 5545 in the conference's zone, with the methods of RFC 5546 (iTIP)."""

import datetime as dt
from dataclasses import dataclass
from email.utils import parseaddr
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from django.conf import settings

from conferences.calendars import make_entry, make_file
from meeteasy.core.addresses import to_wire

if TYPE_CHECKING:
    from icalendar import vCalAddress


@dataclass(frozen=True)
class Invitation:
    """A calendar file.

    method: REQUEST (a new or changed entry) or CANCEL. content: the file, in UTF-8.
    """

    method: str
    content: bytes


def make_invitation(
    context: dict[str, Any], *, method: str, uid: str, sequence: int, recipient: str
) -> Invitation | None:
    """Make the .ics file of a registration; None while the conference has no date.

    uid: the same in all files about one registration, so that a calendar finds its entry. sequence: goes up
    with each change, so that an older file cannot undo a newer one.
    """
    conference, zone = context["conference"], context["zone"]
    starts_at: dt.datetime | None = conference["starts_at"]
    if starts_at is None:
        return None
    event = make_entry(
        uid=uid,
        name=conference["name"],
        starts_at=starts_at,
        ends_at=conference["ends_at"],
        zone=zone,
        venue=conference["venue"],
        url=conference["url"],
    )
    event.add("sequence", sequence)
    event.add("status", "CANCELLED" if method == "CANCEL" else "CONFIRMED")
    event.add("organizer", _calendar_address(parseaddr(settings.DEFAULT_FROM_EMAIL)[1], conference["name"]))
    attendee = _calendar_address(recipient, context["name"])
    # The attendee registered, so the calendar need not ask them.
    attendee.params.update(ROLE="REQ-PARTICIPANT", PARTSTAT="ACCEPTED", RSVP="FALSE")
    event.add("attendee", attendee)
    return Invitation(method, make_file(event, method=method))


def _calendar_address(address: str, name: str) -> "vCalAddress":
    """Return an ASCII `mailto:` URI (RFC 6068), with the name as a parameter."""
    from icalendar import vCalAddress

    found = vCalAddress(f"mailto:{quote(to_wire(address), safe='@')}")
    # A parameter cannot contain a double quote (RFC 5545 §3.2).
    found.params["CN"] = name.replace('"', "'")
    return found
