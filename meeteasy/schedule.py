"""Beat's default schedule, synced by name into the database. From then on operators own it."""

from typing import Any

from celery.schedules import crontab
from django.conf import settings
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask


def sync_schedule(defaults: dict[str, dict[str, Any]] | None = None) -> list[str]:
    """Create the default entries that the database lacks. Returns their names.

    An existing entry is never changed, even if operators gave it another interval or switched it off. A
    deleted entry comes back; switch it off instead.
    """
    created = []
    for name, entry in (settings.DEFAULT_SCHEDULE if defaults is None else defaults).items():
        if PeriodicTask.objects.filter(name=name).exists():
            continue
        PeriodicTask.objects.create(
            name=name, task=entry["task"], queue=str(entry["queue"]), **_when(entry["schedule"])
        )
        created.append(name)
    return created


def _when(schedule: int | crontab) -> dict[str, Any]:
    """Read seconds or a crontab. A tick that no worker takes before the next one is due is dropped."""
    if isinstance(schedule, int):
        interval, _ = IntervalSchedule.objects.get_or_create(every=schedule, period=IntervalSchedule.SECONDS)
        return {"interval": interval, "expire_seconds": schedule}
    parts = ("minute", "hour", "day_of_week", "day_of_month", "month_of_year")
    found, _ = CrontabSchedule.objects.get_or_create(
        **{name: str(getattr(schedule, f"_orig_{name}")) for name in parts}, timezone="UTC"
    )
    return {"crontab": found}
