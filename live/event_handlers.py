"""The worker's reactions to stored events: alerts for open sockets, and the mark that PV changed.

They run for old and new events, and more than once. Redis remembers sent alerts by the row's id (else the
event's), so nothing is sent twice. Alerts are not a record: they are gone if Redis loses its data or no
socket is open. The numbers of the next snapshot are still right.
"""

import datetime as dt
from collections.abc import Iterable, Sequence

from django.utils import timezone

from analytics.event_types import OWN_PREFIX
from analytics.events.rows import EventRow
from analytics.reactions.handlers import on_event
from conferences.models import CheckIn, Conference, Registration
from live import alerts, groups
from live.log import Alert
from live.publish import note_page_views, publish_alerts
from live.selectors import count_attendance

# Older events (a worker was down, an import) are counted in one message instead of sent one by one.
_TELL_SECONDS = 600
_IDS_AT_ONCE = 500


@on_event("registration", "checkin", "checkin_undone", "share", "page_view")
def tell_watchers(events: Sequence[EventRow]) -> None:
    watched = groups.watched_conferences()
    if not watched:
        return
    by_conference: dict[str, dict[str, list[EventRow]]] = {}
    for event in events:
        if event.conference_id in watched and event.local_date is not None and not event.is_bot:
            by_conference.setdefault(event.conference_id, {}).setdefault(event.type, []).append(event)
    for conference_id, by_type in by_conference.items():
        if registrations := by_type.get("registration"):
            _tell_registrations(conference_id, registrations)
        if check_ins := by_type.get("checkin", []) + by_type.get("checkin_undone", []):
            _tell_check_ins(conference_id, check_ins)
        if shares := by_type.get("share"):
            _tell_shares(conference_id, shares)
    note_page_views(
        conference_id for conference_id, by_type in by_conference.items() if "page_view" in by_type
    )


def _tell_registrations(conference_id: str, events: Sequence[EventRow]) -> None:
    """Send alerts for registrations. Names come only from our own rows, because anybody can send an event.

    A registration without a row is sent without a name, if the conference trusts such reports.
    """
    recent, old = _split_by_age(events)
    rows = {
        row.id: row
        for ids in _chunks({event.subject for event in recent})
        for row in Registration.objects.filter(conference_id=conference_id, id__in=ids)
    }
    trusting = Conference.objects.filter(id=conference_id, trust_client_registrations=True).exists()
    told: list[Alert] = []
    for event in recent:
        if row := rows.get(event.subject):
            told.append(Alert(f"registration:{row.id}", alerts.registration_body(row)))
        elif trusting:
            body = alerts.reported_registration_body(registration_id=event.subject, at=event.ts.isoformat())
            told.append(Alert(f"registration:{event.subject}", body))
    publish_alerts(
        conference_id,
        told,
        rest_type="registration",
        rest=len(old),
        attendance=count_attendance(conference_id),
    )


def _tell_check_ins(conference_id: str, events: Sequence[EventRow]) -> None:
    """Send alerts for our own check-ins, made and undone. The door has no other way in."""
    recent, old = _split_by_age([event for event in events if event.event_id.startswith(OWN_PREFIX)])
    order = {event.event_id.rsplit(":", 1)[1]: number for number, event in enumerate(recent)}
    rows = [
        row
        for ids in _chunks(order)
        for row in CheckIn.objects.filter(
            registration__conference_id=conference_id, id__in=ids
        ).select_related("registration")
    ]
    rows.sort(key=lambda row: order[row.id])
    told = [
        Alert(f"checkin:{row.id}:{'undone' if row.undone_at else ''}", alerts.check_in_body(row))
        for row in rows
    ]
    publish_alerts(
        conference_id,
        told,
        rest_type="checkin",
        rest=len(old),
        attendance=count_attendance(conference_id),
    )


def _tell_shares(conference_id: str, events: Sequence[EventRow]) -> None:
    recent, old = _split_by_age(events)
    told = []
    for event in recent:
        data = event.decode_data()
        parent = data.get("parent_share_code")
        body = alerts.share_body(
            share_code=event.subject,
            channel=str(data.get("channel", "")),
            parent_share_code=None if parent is None else str(parent),
            at=event.ts.isoformat(),
        )
        told.append(Alert(f"share:{event.event_id}", body))
    publish_alerts(conference_id, told, rest_type="share", rest=len(old))


def _split_by_age(events: Sequence[EventRow]) -> tuple[list[EventRow], list[EventRow]]:
    """Split into the events to send one by one, and the older ones."""
    oldest_ms = (timezone.now() - dt.timedelta(seconds=_TELL_SECONDS)).timestamp() * 1000
    recent: list[EventRow] = []
    old: list[EventRow] = []
    for event in events:
        # The event time of `checkin_undone` is that of the undone check-in.
        happened_ms = event.received_ms if event.type == "checkin_undone" else event.ts_ms
        (recent if happened_ms >= oldest_ms else old).append(event)
    return recent, old


def _chunks(ids: Iterable[str]) -> Iterable[list[str]]:
    """Split the ids into lists that every database takes in one query."""
    ordered = sorted(ids)
    return (ordered[start : start + _IDS_AT_ONCE] for start in range(0, len(ordered), _IDS_AT_ONCE))
