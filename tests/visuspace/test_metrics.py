"""Generations at /metrics."""

import datetime as dt

import pytest
from django.utils import timezone

from conferences.models import Conference
from tests.support.scraping import scrape
from visuspace.models import GenerationJob, Page

pytestmark = pytest.mark.django_db


def test_waiting_texts_and_failures_are_shown(conference: Conference) -> None:
    now, page = timezone.now(), Page.objects.create(conference=conference)
    for number, (status, age) in enumerate([
        ("queued", 100), ("queued", -60), ("running", 0), ("failed", 60), ("failed", 25 * 3600),
    ]):  # fmt: skip
        GenerationJob.objects.create(
            page=page, key=f"k{number}", provider="template", status=status,
            due_at=now - dt.timedelta(seconds=age),
        )  # fmt: skip
    values = scrape()
    assert values["meeteasy_generations_waiting"] == values["meeteasy_generations_running"] == 1
    assert 100 <= values["meeteasy_generations_oldest_seconds"] < 110
    assert values["meeteasy_generations_failed"] == 1
