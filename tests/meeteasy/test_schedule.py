"""The default schedule goes into the database once; from then on operators own it."""

import pytest
from celery.schedules import crontab
from django.conf import settings
from django.core.management import call_command
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from meeteasy.schedule import sync_schedule

pytestmark = pytest.mark.django_db


def test_a_second_sync_of_the_defaults_creates_nothing() -> None:
    created = sync_schedule()

    assert set(created) == set(settings.DEFAULT_SCHEDULE)
    assert sync_schedule() == []
    assert PeriodicTask.objects.filter(name__in=created).count() == len(created)


def test_operators_changes_are_never_overwritten() -> None:
    sync_schedule()
    hourly, _ = IntervalSchedule.objects.get_or_create(every=1, period=IntervalSchedule.HOURS)
    name = "analytics: refresh dirty days"
    PeriodicTask.objects.filter(name=name).update(interval=hourly, enabled=False, queue="analytics.events")
    own = PeriodicTask.objects.create(name="ours", task="analytics.close_ended_days", interval=hourly)

    call_command("sync_schedule")

    entry = PeriodicTask.objects.get(name=name)
    assert (entry.interval, entry.enabled, entry.queue) == (hourly, False, "analytics.events")
    assert PeriodicTask.objects.filter(id=own.id).exists()


def test_a_new_default_is_added_beside_the_old_ones() -> None:
    sync_schedule()

    created = sync_schedule(
        {"new": {"task": "t", "queue": "analytics.daily", "schedule": crontab(minute="7")}}
    )

    assert created == ["new"]
    entry = PeriodicTask.objects.get(name="new")
    assert (entry.crontab.minute, entry.crontab.hour, str(entry.crontab.timezone)) == ("7", "*", "UTC")


def test_days_are_refreshed_often_and_closed_hourly() -> None:
    sync_schedule()
    refresh = PeriodicTask.objects.get(name="analytics: refresh dirty days")
    close = PeriodicTask.objects.get(name="analytics: close ended days")

    assert refresh.interval.period == "seconds"
    assert refresh.interval.every <= 30
    assert (close.crontab.hour, close.crontab.day_of_month) == ("*", "*")


def test_an_untaken_tick_expires_before_the_next_one() -> None:
    sync_schedule()
    for entry in PeriodicTask.objects.exclude(interval=None).filter(name__in=settings.DEFAULT_SCHEDULE):
        assert entry.expire_seconds == entry.interval.every
