"""Beat's default schedule in the database, synced by name, where operators own it from then on."""

from typing import Any

from celery.schedules import crontab
from django.conf import settings
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask


def sync_schedule(defaults: dict[str, dict[str, Any]] | None = None) -> list[str]:
    """Create the default entries that the database lacks. Returns their names.

    An entry whose name exists is left alone, whatever operators made of it: another interval, switched off.
    One that they deleted comes back; to be rid of an entry, switch it off.
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
    """Seconds, or a crontab. A tick that no worker took by the time of the next one is dropped by it."""
    if isinstance(schedule, int):
        interval, _ = IntervalSchedule.objects.get_or_create(every=schedule, period=IntervalSchedule.SECONDS)
        return {"interval": interval, "expire_seconds": schedule}
    parts = ("minute", "hour", "day_of_week", "day_of_month", "month_of_year")
    found, _ = CrontabSchedule.objects.get_or_create(
        **{name: str(getattr(schedule, f"_orig_{name}")) for name in parts}, timezone="UTC"
    )
    return {"crontab": found}
