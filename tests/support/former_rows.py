"""Rows as they were before the keys, holds and standings of today, for the tests of migrations.

Runs in a process whose database is migrated to FORMER: `from tests.support.former_rows import fill; fill()`.
"""

import datetime as dt
from typing import Any

FORMER = {
    "conferences": "0003_erased_visitors",
    "analytics": "0008_zone_version",
    "notifications": "0001_outbox_suppressions_and_mailbox",
    "sharing": "0008_terms_of_the_field",
}
NOON = dt.datetime(2026, 5, 1, 4, tzinfo=dt.UTC)  # noon in Shanghai
NOON_MS = round(NOON.timestamp() * 1000)
DAY = NOON.date()
CONFERENCE = "summit"
MAILS = 501  # more than are changed at once


def fill() -> None:
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    apps = MigrationExecutor(connection).loader.project_state(list(FORMER.items())).apps
    _fill_conference(apps)
    _fill_events(apps)
    _fill_analytics(apps)
    _fill_notifications(apps)
    _fill_sharing(apps)


def _fill_conference(apps: Any) -> None:
    conference = apps.get_model("conferences", "Conference").objects.create(
        id=CONFERENCE, name="Summit", time_zone="Asia/Shanghai"
    )
    registrations = apps.get_model("conferences", "Registration").objects
    check_ins = apps.get_model("conferences", "CheckIn").objects
    for name, state, decided_at in (
        ("approved", "approved", None),
        ("undone", "approved", None),
        ("cancelled", "cancelled", NOON + dt.timedelta(hours=3)),
        ("rejected", "rejected", None),
    ):
        registrations.create(
            id=f"r-{name}", conference=conference, name=f"Zoë {name}", email=f"{name}@example.com",
            phone="+8613800138000", state=state, decided_at=decided_at, created_at=NOON,
        )  # fmt: skip
    check_ins.create(id="c-1", registration_id="r-approved", method="qr", checked_in_at=NOON)
    check_ins.create(id="c-2", registration_id="r-undone", method="qr", checked_in_at=NOON, undone_at=NOON)


def _fill_events(apps: Any) -> None:
    events = apps.get_model("analytics", "Event").objects

    def add(event_id: str, type_name: str, subject: str, **data: Any) -> None:
        events.create(
            event_id=event_id, conference_id=CONFERENCE, type=type_name, ts=NOON, received_at=NOON,
            local_date=DAY, visitor_id=f"v-{event_id}"[:64], subject=subject, data=data,
        )  # fmt: skip

    add("view-1", "page_view", "v-1", page="/")
    for name in ("approved", "undone", "cancelled", "rejected"):
        add(f"fact:reg:r-{name}", "registration", f"r-{name}", registration_id=f"r-{name}", form_id="default")
    add("fact:checkin:c-1", "checkin", "r-approved", registration_id="r-approved", method="qr")
    add("fact:checkin:c-2", "checkin", "r-undone", registration_id="r-undone", method="qr")
    undone = {"registration_id": "r-undone", "checkin_event_id": "fact:checkin:c-2"}
    add("fact:undone:c-2", "checkin_undone", "fact:undone:c-2", **undone)
    add("report-1", "registration", "r-reported", registration_id="r-reported", form_id="f")


def _fill_analytics(apps: Any) -> None:
    def create(model: str, **fields: Any) -> None:
        apps.get_model("analytics", model).objects.create(**fields)

    create("AppliedSettings", conference_id=CONFERENCE, time_zone="Asia/Shanghai", trusts_clients=True)
    create("DirtyDay", id="mark-1", conference_id=CONFERENCE, local_date=DAY, marked_at=NOON)
    create(
        "DailySummary", id=f"{CONFERENCE}:{DAY}", conference_id=CONFERENCE, date=DAY, figures={"pv": 7},
        revision=3, computed_at=NOON,
    )  # fmt: skip
    create(
        "DeadLetter", id="1-0", entry_id="1-0", version="1", payload=b"\x80", error="an error", deliveries=5,
        created_at=NOON,
    )  # fmt: skip
    for kind in ("reg", "checkin", "undone"):
        create("OwnEventSweep", kind=kind, complete_until=NOON + dt.timedelta(days=1))
    create("UnclaimedConference", conference_id="not-there", first_seen_at=NOON)


def _fill_notifications(apps: Any) -> None:
    notifications = apps.get_model("notifications", "Notification").objects
    copied = {
        "conference": {"name": "Summit", "starts_at": NOON.isoformat()},
        "registration": {"name": "Zoë"},
    }
    for number in range(MAILS):
        notifications.create(
            message_type="registration_confirmation", channel="email", recipient=f"{number}@example.com",
            conference_id=CONFERENCE, dedupe_key=f"confirmation-{number}", context=copied, status="sent",
        )  # fmt: skip
    notifications.create(
        message_type="checkin_reminder", channel="sms", recipient="+8613800138000",
        conference_id=CONFERENCE, dedupe_key="reminder-1", context={**copied, "hours_before": 24},
        expires_at=NOON,
    )  # fmt: skip


def _fill_sharing(apps: Any) -> None:
    def create(model: str, **fields: Any) -> None:
        apps.get_model("sharing", model).objects.create(**fields)

    link = f"{CONFERENCE}/code-ann"
    create("ShareClaim", link_key=link, ms=NOON_MS - 2, event_id="share-1", sharer="ann")
    create(
        "ShareLink", id=link, conference_id=CONFERENCE, code="code-ann", sharer="ann", first_ms=NOON_MS - 2,
        first_event_id="share-1", direct=2, subtree_conversions=2, opens=1, openers=1,
    )  # fmt: skip
    create("ShareOpen", event_id="open-1", ms=NOON_MS - 1, link_key=link, visitor="v-1")
    for name, event_id in (("r-approved", "fact:reg:r-approved"), ("r-reported", "report-1")):
        registration = f"{CONFERENCE}/{name}"
        create(
            "ShareRegistration", id=registration, conference_id=CONFERENCE, ms=NOON_MS, event_id=event_id,
            visitor="v-1", visitor_ms=NOON_MS, visitor_event_id=event_id, is_trusted=True, window_days=30,
        )  # fmt: skip
        create(
            "ShareConversion", registration_id=registration, conference_id=CONFERENCE, nearest_id=link,
            registered_ms=NOON_MS,
        )  # fmt: skip
        create("Credit", conversion_id=registration, link_id=link, distance=1, age_ms=2)
        create("NotCredited", registration_id=registration, link_key=link, reason="too_many_opens")
