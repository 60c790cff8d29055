"""/healthz and /readyz"""

import time

import pytest
import redis
from django.conf import settings
from django.test import Client

from analytics.tasks import refresh_dirty_days
from meeteasy.core.heartbeats import Heart, expected_queues
from tests.support.services import ValkeyServer

pytestmark = pytest.mark.django_db


def test_any_client_can_see_that_the_process_runs() -> None:
    answer = Client().get("/healthz")

    assert (answer.status_code, answer.json()["status"]) == (200, "ok")


def test_readiness_names_each_dependency() -> None:
    answer = Client().get("/readyz")

    assert answer.status_code == 200
    assert {"database:default", "redis"} <= answer.json()["checks"].keys()
    assert set(answer.json()["checks"].values()) == {"ok"}


def test_without_redis_it_is_not_ready_and_names_redis(valkey: ValkeyServer) -> None:
    valkey.kill()
    try:
        answer = Client().get("/readyz")
        alive = Client().get("/healthz")
    finally:
        valkey.start()

    assert answer.status_code == 503
    assert answer.json()["checks"]["redis"] == "ConnectionError"
    assert answer.json()["checks"]["database:default"] == "ok"
    assert alive.status_code == 200
    assert Client().get("/readyz").status_code == 200


def test_a_silent_beat_is_a_warning_until_it_ticks() -> None:
    assert "beat" in Client().get("/readyz").json()["warnings"]

    heart = Heart()
    for queue in expected_queues():
        heart.beat(queue)
    refresh_dirty_days()
    assert Client().get("/readyz").json()["warnings"] == {}

    redis.Redis.from_url(settings.REDIS_URL).set("beat:last_tick", int(time.time()) - 3600)
    answer = Client().get("/readyz")
    assert answer.status_code == 200
    assert "silent for 3600 s" in answer.json()["warnings"]["beat"].replace("3601", "3600")
