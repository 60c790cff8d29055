"""The figures of a live screen when it opens. They come from the rows, so they survive a loss of Redis."""

import heapq
from typing import Any

from django.db.models import Count, Q
from django.utils import timezone

from conferences.models import CheckIn, Conference, Registration
from live import alerts, log
from live.publish import pv_body

SNAPSHOT_ALERTS = 20


def count_attendance(conference_id: str) -> dict[str, Any]:
    """`{"registered", "approved", "checked_in", "percentage"}` of a conference, now.

    registered: registrations that were not turned down. checked_in: approved ones with a check-in that
    stands. percentage: checked_in of approved, with one decimal.
    """
    State = Registration.State
    registrations = Registration.objects.filter(conference_id=conference_id)
    counts = registrations.aggregate(
        registered=Count("id", filter=Q(state__in=[State.PENDING, State.APPROVED])),
        approved=Count("id", filter=Q(state=State.APPROVED)),
    )
    counts["checked_in"] = CheckIn.objects.filter(
        registration__conference_id=conference_id, registration__state=State.APPROVED, undone_at=None
    ).count()
    approved = counts["approved"]
    counts["percentage"] = round(100 * counts["checked_in"] / approved, 1) if approved else 0.0
    return counts


def build_snapshot(conference_id: str) -> tuple[int, dict[str, Any]]:
    """Return the number of the last message that the snapshot includes, and the `snapshot` message itself.

    The number is read first. A change during the read then also comes as a message, which does no harm:
    messages carry totals, never differences. Raises Conference.DoesNotExist.
    """
    seq = log.last_seq(conference_id)
    conference = Conference.objects.get(id=conference_id)
    return seq, {
        "type": "snapshot",
        "at": timezone.now().isoformat(),
        "conference": {"id": conference.id, "name": conference.name, "time_zone": conference.time_zone},
        "attendance": count_attendance(conference_id),
        "today": {name: value for name, value in pv_body(conference).items() if name != "type"},
        "alerts": _last_alerts(conference_id),
    }


def _last_alerts(conference_id: str) -> list[dict[str, Any]]:
    """Return the last registrations and check-ins as messages without numbers, newest first."""
    registrations = Registration.objects.filter(conference_id=conference_id).order_by("-registered_at", "-id")
    check_ins = (
        CheckIn.objects.filter(registration__conference_id=conference_id, undone_at=None)
        .select_related("registration")
        .order_by("-checked_in_at", "-id")
    )
    found = [
        *(alerts.registration_body(row) for row in registrations[:SNAPSHOT_ALERTS]),
        *(alerts.check_in_body(row) for row in check_ins[:SNAPSHOT_ALERTS]),
    ]
    return heapq.nlargest(SNAPSHOT_ALERTS, found, key=lambda body: body["at"])
