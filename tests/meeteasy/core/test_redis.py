"""A Redis that hangs costs one wait, not one for each question."""

import socket
import time

import pytest
import redis
from django.core.cache import cache

from meeteasy.core import jobs
from meeteasy.core import redis as core_redis
from meeteasy.core.queues import Queue
from meeteasy.core.redis import get_quick_redis, is_hanging, quick_options
from tests.support.services import ValkeyServer


def seconds_to_fail(client: redis.Redis) -> float:
    started = time.monotonic()
    with pytest.raises(redis.TimeoutError):
        client.get("x")
    return time.monotonic() - started


def test_after_one_time_out_nothing_waits_for_a_while() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        client = redis.Redis.from_url(url, **quick_options(url))
        assert 1.9 < seconds_to_fail(client) < 3, "asked once, not twice"
        assert is_hanging()
        until = core_redis._hangs_until
        assert sum(seconds_to_fail(client) for _ in range(20)) < 1
        assert core_redis._hangs_until == until, "who does not ask learns nothing"
        with pytest.raises(redis.TimeoutError):
            client.pipeline().set("x", 1).get("x").execute()
        with pytest.raises(redis.TimeoutError):
            cache.get("x")
        assert jobs.ring("analytics.drain_events", [[]], queue=Queue.ANALYTICS_EVENTS) == 0
        core_redis._hangs_until = time.monotonic()
        assert seconds_to_fail(client) > 1.9, "asked again"


def test_a_connection_gives_nobody_anothers_answer(valkey: ValkeyServer) -> None:
    client = get_quick_redis()
    for key in ("a", "b"):
        client.set(f"hang:{key}", key)
    for _ in range(3):
        assert client.get("hang:a") == b"a"
        core_redis.note_hang()
        with pytest.raises(redis.TimeoutError):
            client.get("hang:a")
        core_redis._hangs_until = 0.0
        assert client.get("hang:b") == b"b"


@pytest.mark.parametrize("scheme", ["redis", "rediss", "unix"])
def test_each_kind_of_address_has_its_connection(scheme: str) -> None:
    url = f"{scheme}://localhost/0"
    pool = redis.ConnectionPool.from_url(url, **quick_options(url))
    kinds = {"rediss": redis.SSLConnection, "unix": redis.UnixDomainSocketConnection}
    assert issubclass(pool.connection_class, kinds.get(scheme, redis.Connection))
