"""What analytics does when conferences change.

Signals are only hints: analytics/days/redating.py (settings) and analytics/own_events.py (registrations and
check-ins) find by themselves what no signal reported.
"""

from typing import Any

from django.dispatch import receiver

from analytics import own_events
from analytics.models import (
    AppliedSettings,
    DailySummary,
    DirtyDay,
    DoorRules,
    Event,
    HoldDecision,
    ReadOnlyView,
    Segment,
)
from analytics.tasks import refresh_dirty_days
from conferences.models import CheckIn, Passage, Registration
from conferences.services.deleting import deletes_rows
from conferences.signals import (
    checked_in,
    checkin_undone,
    conference_saved,
    entered,
    entries_undone,
    registration_created,
    registrations_imported,
    standing_changed,
)
from meeteasy.core.jobs import wake

# The files of segments without a row are swept.
for _model in (
    Event, DailySummary, DirtyDay, HoldDecision, DoorRules, AppliedSettings, Segment, ReadOnlyView,
):  # fmt: skip
    deletes_rows(_model)


@receiver(conference_saved, dispatch_uid="analytics.refresh_soon")
def refresh_soon(sender: Any, **kwargs: Any) -> None:
    """Adopt waiting events, or recompute days, now instead of at the next tick."""
    wake(refresh_dirty_days)


@receiver(registration_created, dispatch_uid="analytics.report_registration")
def report_registration(sender: Any, registration: Registration, **kwargs: Any) -> None:
    own_events.send([own_events.registration_row(registration)])


@receiver(registrations_imported, dispatch_uid="analytics.report_imported_registrations")
def report_imported_registrations(sender: Any, registrations: list[Registration], **kwargs: Any) -> None:
    own_events.send([own_events.registration_row(registration) for registration in registrations])


@receiver(checked_in, dispatch_uid="analytics.report_check_in")
def report_check_in(sender: Any, check_in: CheckIn, **kwargs: Any) -> None:
    own_events.send([own_events.check_in_row(check_in)])


@receiver(checkin_undone, dispatch_uid="analytics.report_undone_check_in")
def report_undone_check_in(sender: Any, check_in: CheckIn, **kwargs: Any) -> None:
    own_events.send([own_events.undone_row(check_in)])


@receiver(entered, dispatch_uid="analytics.report_entry")
def report_entry(sender: Any, passage: Passage, **kwargs: Any) -> None:
    own_events.send([own_events.entry_row(passage)])


@receiver(entries_undone, dispatch_uid="analytics.report_undone_entries")
def report_undone_entries(sender: Any, passages: list[Passage], **kwargs: Any) -> None:
    own_events.send([own_events.entry_undone_row(passage) for passage in passages])


@receiver(standing_changed, dispatch_uid="analytics.report_standing")
def report_standing(sender: Any, registration: Registration, **kwargs: Any) -> None:
    own_events.send([own_events.registration_standing_row(registration)])
