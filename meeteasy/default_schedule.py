"""Beat's default schedule, by name: what runs when in a new installation.

`manage.py sync_schedule` writes it to the database, where operators edit it. Entries that they changed or
made are never overwritten (meeteasy/schedule.py). A `schedule` is a number of seconds, or a crontab in UTC.
"""

from typing import Any

from celery.schedules import crontab

from meeteasy.core.queues import Queue

DEFAULT_SCHEDULE: dict[str, dict[str, Any]] = {
    "analytics: drain events (hears a lost wake-up, takes over from dead workers)": {
        "task": "analytics.drain_events",
        "schedule": 5,
        "queue": Queue.ANALYTICS_EVENTS,
    },
    "analytics: refresh dirty days": {
        "task": "analytics.refresh_dirty_days",
        "schedule": 5,
        "queue": Queue.ANALYTICS_DAILY,
    },
    "analytics: send registrations and check-ins that are missing among the events": {
        "task": "analytics.send_missing_own_events",
        "schedule": 15,
        "queue": Queue.ANALYTICS_DAILY,
    },
    "analytics: carry out decisions about held reports": {
        "task": "analytics.carry_out_hold_decisions",
        "schedule": 15,
        "queue": Queue.ANALYTICS_DAILY,
    },
    "sharing: totals that are due, and what killed workers left": {
        "task": "sharing.settle",
        "schedule": 1,
        "queue": Queue.ANALYTICS_EVENTS,
    },
    "analytics: close ended days": {
        "task": "analytics.close_ended_days",
        "schedule": crontab(minute="2"),
        "queue": Queue.ANALYTICS_DAILY,
    },
    "visuspace: generation jobs that were lost or waited": {
        "task": "visuspace.catch_up",
        "schedule": 10,
        "queue": Queue.AI_GENERATE,
    },
    "conferences: jobs that were lost, places that are free": {
        "task": "conferences.catch_up",
        "schedule": 30,
        "queue": Queue.ANALYTICS_DAILY,
    },
    "conferences: forget idempotency keys after 48 hours, receipts after 90 days": {
        "task": "conferences.forget_expired",
        "schedule": crontab(minute="41"),
        "queue": Queue.ANALYTICS_DAILY,
    },
    "conferences: delete those whose waiting time is over": {
        "task": "conferences.delete_due",
        "schedule": 300,
        "queue": Queue.ANALYTICS_DAILY,
    },
    "conferences: delete events, messages and files that are older than kept": {
        "task": "conferences.delete_old",
        "schedule": crontab(minute="51"),
        "queue": Queue.ANALYTICS_DAILY,
    },
    "console: mails to organizers that were lost or failed": {
        "task": "console.sweep_mails",
        "schedule": 30,
        "queue": Queue.NOTIFICATIONS_EMAIL,
    },
    "console: digests of conferences where it is morning": {
        "task": "console.write_digests",
        "schedule": 300,
        "queue": Queue.NOTIFICATIONS_EMAIL,
    },
    "console: pictures of event pages whose conversion ended unnoticed": {
        "task": "console.adopt_pictures",
        "schedule": 60,
        "queue": Queue.FILES_CONVERT,
    },
    "analytics: forget ended salts and erased data on disk": {
        "task": "analytics.forget_deleted",
        "schedule": 60,
        "queue": Queue.ANALYTICS_DAILY,
    },
    "analytics: drop events of unknown conferences after 7 days": {
        "task": "analytics.drop_unclaimed_events",
        "schedule": crontab(minute="17", hour="3"),
        "queue": Queue.ANALYTICS_DAILY,
    },
    "notifications: mail that is due, was lost or is in doubt": {
        "task": "notifications.sweep_email",
        "schedule": 10,
        "queue": Queue.NOTIFICATIONS_EMAIL,
    },
    "notifications: SMS that are due, were lost or are in doubt": {
        "task": "notifications.sweep_sms",
        "schedule": 10,
        "queue": Queue.NOTIFICATIONS_SMS,
    },
    "files: conversions that are due, were lost or whose worker died": {
        "task": "conversion.sweep",
        "schedule": 5,
        "queue": Queue.FILES_CONVERT,
    },
    "files: remove expired conversions and files of none": {
        "task": "conversion.clean_up",
        "schedule": crontab(minute="23"),
        "queue": Queue.FILES_CONVERT,
    },
}
