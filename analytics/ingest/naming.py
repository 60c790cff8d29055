"""Ids for visitors who send none, made of the date's salt, the conference, the address and the agent."""

from collections.abc import Callable

from analytics.days.zones import local_date
from analytics.ingest.conferences import Directory
from analytics.ingest.publisher import NotTakenError
from analytics.ingest.visitor import DailySalts
from meeteasy.core.salts import make_visitor_id


class ZoneNotKnownError(Exception):
    """A visitor's id needs the time zone of a conference that was not looked up yet."""


def make_namer(
    directory: Directory,
    salts: DailySalts,
    *,
    received_ms: int,
    address: str,
    agent: str,
    is_looked_up: bool,
) -> Callable[[str], str]:
    """A function that makes the visitor's id from a conference's: one per conference and request.

    It raises ZoneNotKnownError, or NotTakenError while the date's salt is not loaded.
    is_looked_up: whether a conference whose zone is not known has none. Its date is UTC's.
    """
    ids: dict[str, str] = {}

    def visitor_id(conference_id: str) -> str:
        found = ids.get(conference_id)
        if found is None:
            zone = directory.get_zone(conference_id)
            if zone is None and not is_looked_up:
                raise ZoneNotKnownError(conference_id)
            salt = salts.get(local_date(zone or "UTC", received_ms))
            if salt is None:
                message = "The day's salt is not loaded yet."
                raise NotTakenError("broker_unavailable", message, retry_after_seconds=1)
            found = ids[conference_id] = make_visitor_id(
                salt, conference_id=conference_id, address=address, user_agent=agent
            )
        return found

    return visitor_id
