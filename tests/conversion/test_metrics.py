"""Conversions at /metrics."""

import datetime as dt

import pytest
from django.utils import timezone

from conversion.models import ConversionJob
from tests.conversion.conftest import Start
from tests.support.scraping import scrape

pytestmark = pytest.mark.django_db


def test_waiting_files_and_failures_are_shown(start: Start) -> None:
    now = timezone.now()
    for number, changes in enumerate([
        {"due_at": now - dt.timedelta(seconds=100)},
        {"status": "running"},
        {"status": "failed", "error_code": "corrupt", "finished_at": now},
        {"status": "failed", "error_code": "sandbox_missing", "finished_at": now},
        {"status": "failed", "error_code": "corrupt", "finished_at": now - dt.timedelta(hours=25)},
    ]):  # fmt: skip
        ConversionJob.objects.filter(pk=start(b"x", f"{number}.docx").pk).update(**changes)
    values = scrape()
    assert values["meeteasy_conversions_waiting"] == values["meeteasy_conversions_running"] == 1
    assert 100 <= values["meeteasy_conversions_oldest_seconds"] < 110
    assert values['meeteasy_conversions_failed{fault="file"}'] == 1
    assert values['meeteasy_conversions_failed{fault="server"}'] == 1
