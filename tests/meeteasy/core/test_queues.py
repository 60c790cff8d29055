"""The six queues, and the queue of every task."""

from importlib.metadata import version
from typing import Any

import pytest
from celery import Celery
from django.conf import settings
from pymongo import _csot

from meeteasy.celery import app
from meeteasy.core.queues import WORKER_OPTIONS, Queue, queue_task


@pytest.fixture(scope="module")
def celery() -> Celery:
    app.loader.import_default_modules()
    return app


def own_tasks(celery: Celery) -> list[str]:
    return sorted(name for name in celery.tasks if not name.startswith("celery."))


def test_each_of_the_six_queues_has_its_options() -> None:
    assert {str(queue) for queue in Queue} == {
        "analytics.events",
        "analytics.daily",
        "notifications.email",
        "notifications.sms",
        "files.convert",
        "ai.generate",
    }
    assert set(WORKER_OPTIONS) == set(Queue)


def queue_of(celery: Celery, name: str) -> str:
    """Return the queue that a message of this task would go to."""
    options = celery.tasks[name]._get_exec_options()
    route = celery.amqp.router.route(dict(options), name)
    return str(route["queue"].name)


def test_every_task_goes_to_one_of_the_six(celery: Celery) -> None:
    assert len(own_tasks(celery)) >= 4
    for name in own_tasks(celery):
        queue = queue_of(celery, name)
        assert queue in {str(queue) for queue in Queue}, name
    assert queue_of(celery, "analytics.drain_events") == "analytics.events"
    assert queue_of(celery, "analytics.refresh_dirty_days") == "analytics.daily"


def test_every_task_acknowledges_late_within_a_hard_time_limit(celery: Celery) -> None:
    for name in own_tasks(celery):
        task = celery.tasks[name]
        assert task.acks_late, name
        assert task.reject_on_worker_lost, name
        # A mail server may take ten minutes for its answer alone (RFC 5321 §4.5.3.2).
        most = 1800 if name in ("notifications.send_email", "notifications.send_due_email") else 600
        assert (task.time_limit or celery.conf.task_time_limit) <= most, name


def test_no_events_task_outlives_the_visibility_timeout(celery: Celery) -> None:
    visible_again = settings.CELERY_BROKER_TRANSPORT_OPTIONS["visibility_timeout"]

    assert celery.tasks["analytics.drain_events"].time_limit < visible_again


@pytest.mark.parametrize(
    ("queue", "expected"), [(Queue.ANALYTICS_EVENTS, None), (Queue.ANALYTICS_DAILY, 480.0)]
)
def test_only_drains_keep_to_mongodbs_short_limit(
    settings: Any, queue: Queue, expected: float | None
) -> None:
    settings.MONGODB_URI = "mongodb://127.0.0.1/"
    task = queue_task(queue, name=f"tests.patience.{queue}")(_csot.get_timeout)
    try:
        assert task() == expected
        assert _csot.get_timeout() is None
    finally:
        app.tasks.pop(task.name)


def test_workers_wait_for_a_lost_broker_without_end(celery: Celery) -> None:
    """Both settings were measured against kombu's own: tests/meeteasy/test_redelivery.py."""
    assert celery.conf.broker_connection_max_retries is None
    options = celery.conf.broker_transport_options
    assert (options["unacked_restore_interval"], options["unacked_restore_throttle"]) == (5, 1)
    assert version("kombu") >= "5.7", "older ones stop consuming after a reconnect"


def test_every_scheduled_entry_names_a_task_and_its_queue(celery: Celery) -> None:
    for entry in settings.DEFAULT_SCHEDULE.values():
        assert entry["task"] in celery.tasks
        assert str(entry["queue"]) == queue_of(celery, entry["task"])
