"""Reading held reports and what was decided about them."""

from django.db.models import QuerySet

from analytics.models import Event, HeldReport, HoldDecision


def find_all_held() -> QuerySet[HeldReport]:
    """The reports of all conferences that are held or void, in the order of the index that has only these."""
    return HeldReport.objects.order_by("conference_id", "id")


def find_held(conference_id: str, hold: str = Event.Hold.HELD) -> QuerySet[HeldReport]:
    """The held reports of a conference that still wait for a decision, in the order of their keys.

    hold: VOID for those that were voided instead.
    """
    return find_all_held().filter(conference_id=conference_id, hold=hold).order_by("id")


def find_decisions(conference_id: str) -> QuerySet[HoldDecision]:
    """The decisions about held reports of a conference, the latest first."""
    return HoldDecision.objects.filter(conference_id=conference_id).order_by("-decided_at", "-id")
