"""What the rows of former_rows.py became, asked in a process of its own: tests/meeteasy/test_migrations.py.

Each function returns plain values, which `repr` writes and `ast.literal_eval` reads.
"""

import datetime as dt
from importlib import import_module
from typing import Any

from tests.support.former_rows import CONFERENCE, DAY, NOON_MS

_DATA_STEPS = [
    ("conferences.migrations.0006_fill_recorded_at_and_search_text", "fill"),
    ("conferences.migrations.0009_standing_of_older_registrations", "note_withdrawn"),
    ("analytics.migrations.0012_ids_of_own_events", "rename"),
    ("notifications.migrations.0002_rendered_when_sent", "keep_only_the_messages_own_facts"),
    ("sharing.migrations.0012_ids_of_own_events", "rename"),
    ("sharing.migrations.0013_reported_conversions", "fill"),
]


def events() -> dict[str, Any]:
    from analytics.models import Event

    return {
        event.id: (event.subject, event.is_attendance, event.hold, event.is_confirmed)
        for event in Event.objects.all()
    }


def undone() -> Any:
    from analytics.models import Event

    return Event.objects.get(type="checkin_undone").data


def analytics() -> list[Any]:
    from analytics import models

    summary = models.DailySummary.objects.get()
    others = (
        models.AppliedSettings, models.DirtyDay, models.DeadLetter, models.OwnEventSweep,
        models.UnclaimedConference,
    )  # fmt: skip
    keys = [sorted(model.objects.values_list("pk", flat=True)) for model in others]
    return [*keys, (summary.pk, summary.figures, summary.revision)]


def attendance() -> dict[str, int]:
    from analytics.days.attendance import count_attendance

    return count_attendance(CONFERENCE, DAY)


def sweep() -> int:
    """How many own events the sweep sent; they are stored afterwards."""
    from analytics import own_events
    from analytics.stream.drain import Drain
    from analytics.stream.queue import Consumer
    from meeteasy.core.redis import get_redis

    sent = own_events.send_missing()
    Drain(Consumer(get_redis())).run()
    return sent


def notifications() -> tuple[int, list[Any]]:
    from notifications.models import Notification

    rows = Notification.objects.values_list("message_type", "facts")
    return rows.filter(facts={}, status="sent").count(), list(rows.exclude(facts={}))


def registrations() -> list[Any]:
    from conferences.models import Registration

    return [
        (
            item.id, item.standing_version,
            item.standing_changed_at and item.standing_changed_at.astimezone(dt.UTC).isoformat(),
            "zoe" in item.search_text,
        )
        for item in Registration.objects.order_by("id")
    ]  # fmt: skip


def check_ins() -> bool:
    from conferences.models import CheckIn, Passage

    entries = list(Passage.objects.filter(id__in=CheckIn.objects.values("id")).values_list("id", "direction"))
    assert entries == [("c-1", "in")], entries  # who counts as checked in came in
    return all(item.recorded_at == item.checked_in_at for item in CheckIn.objects.all())


def sharing() -> list[Any]:
    from sharing import models

    link, told = models.ShareLink.objects.get(), models.ShareRegistration.objects.get(id__endswith="approved")
    assert link.shared_ms is not None
    return [
        [claim.id for claim in models.ShareClaim.objects.all()],
        [item.id for item in models.ShareOpen.objects.all()],
        (link.sharer, link.shared_ms - NOON_MS, link.received_ms - NOON_MS, link.direct),
        (told.event_id, told.visitor_event_id, told.is_confirmed, told.is_held),
        [item.is_reported for item in models.ShareConversion.objects.order_by("pk")],
        models.Credit.objects.count(),
        models.NotCredited.objects.count(),
    ]


def run_data_steps_again() -> None:
    from django.apps import apps
    from django.db import connection

    for name, step in _DATA_STEPS:
        with connection.schema_editor() as editor:
            getattr(import_module(name), step)(apps, editor)


def state() -> str:
    from analytics.models import Event
    from conferences.models import CheckIn, Registration
    from notifications.models import Notification
    from sharing.models import ShareRegistration

    models: Any = (Event, CheckIn, Registration, Notification, ShareRegistration)
    return repr([list(model.objects.order_by("pk").values()) for model in models])


def add_former_twin() -> None:
    """Store an own event under its former id, too: the sweep of a new version ran before the ids changed."""
    from analytics.models import Event

    event = Event.objects.get(id=f"own:reg:r-approved/{CONFERENCE}")
    event.id = f"fact:reg:r-approved/{CONFERENCE}"
    event.save(force_insert=True)
