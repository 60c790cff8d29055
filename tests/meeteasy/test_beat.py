"""Beat's entries after a clock that was set back; tests/meeteasy/test_clocks.py sets it under a real beat."""

import datetime as dt

import pytest
from django.utils import timezone
from django_celery_beat.models import PeriodicTask
from django_celery_beat.schedulers import ModelEntry

from meeteasy.beat import Entry
from meeteasy.celery import app
from meeteasy.schedule import sync_schedule

pytestmark = pytest.mark.django_db


def test_an_entry_that_ran_in_the_future_runs_soon() -> None:
    sync_schedule()
    row = PeriodicTask.objects.get(name="analytics: refresh dirty days")
    row.last_run_at = timezone.now() + dt.timedelta(days=2)
    row.save()
    assert ModelEntry(row, app=app).is_due().next > 172_000, (
        "the control: django-celery-beat's waits for two days"
    )
    assert 0 < Entry(row, app=app).is_due().next <= 5


def test_an_entry_keeps_when_it_ran() -> None:
    sync_schedule()
    row = PeriodicTask.objects.get(name="analytics: refresh dirty days")
    row.last_run_at = timezone.now() - dt.timedelta(hours=1)
    row.save()
    assert Entry(row, app=app).last_run_at == row.last_run_at
    assert Entry(row, app=app).is_due().is_due
