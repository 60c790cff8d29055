"""The same `event_id` counts once, however many clients send it, however often and however late."""

import asyncio
import datetime as dt
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections
from django.utils import timezone

from analytics.days.summaries import refresh_dirty_days
from analytics.ingest.app import Ingest
from analytics.models import DailySummary, Event
from analytics.stream.queue import STREAM
from conferences.models import Conference
from meeteasy.core.redis import get_redis
from tests.analytics.ingest.conftest import Door, page_view
from tests.analytics.streams import length, make_drain, run


async def ten_clients_send_it_twice_each() -> list[int]:
    ingest = Ingest()
    await ingest.start()
    batch = [page_view(event_id="the same"), page_view(event_id="the same")]
    answers = await asyncio.gather(
        *(Door(ingest).send(batch, address=f"203.0.113.{client}") for client in range(10))
    )
    await ingest.stop()
    return [answer.json()["accepted"] for answer in answers]


def drain_by_three_workers() -> None:
    def work() -> None:
        try:
            run(make_drain())
        finally:
            connections.close_all()

    with ThreadPoolExecutor(3) as pool:
        for outcome in [pool.submit(work) for _ in range(3)]:
            outcome.result()


@pytest.mark.django_db(transaction=True)
def test_an_event_from_ten_clients_and_days_counts_once(
    conference: Conference,
) -> None:
    assert asyncio.run(ten_clients_send_it_twice_each()) == [2] * 10
    # As separate entries, so that several workers have it at the same time.
    for _ in range(3):
        for _, fields in get_redis().xrange(STREAM, count=1):
            get_redis().xadd(STREAM, fields)
    drain_by_three_workers()
    assert length() == 0
    assert Event.objects.count() == 1
    visitor = Event.objects.get().visitor_id

    yesterday = timezone.now().replace(microsecond=0) - dt.timedelta(days=1)  # MongoDB keeps milliseconds
    Event.objects.update(received_at=yesterday)
    assert asyncio.run(ten_clients_send_it_twice_each()) == [2] * 10
    drain_by_three_workers()
    refresh_dirty_days()

    event = Event.objects.get()
    assert (event.received_at, event.visitor_id) == (yesterday, visitor)  # as it was first stored
    assert sum(summary.figures["pv"] for summary in DailySummary.objects.all()) == 1
