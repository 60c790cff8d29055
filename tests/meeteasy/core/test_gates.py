"""Gates in Redis: one caller's turn for a while."""

import redis
from django.conf import settings

from meeteasy.core.redis import take_gate

KEY = "gate"


def test_a_gate_is_taken_once_in_its_time() -> None:
    client = redis.Redis.from_url(settings.REDIS_URL)
    assert take_gate(client, KEY, milliseconds=60_000)
    assert not take_gate(client, KEY, milliseconds=60_000)
    client.delete(KEY)
    assert take_gate(client, KEY, milliseconds=60_000)


def test_a_gate_that_a_set_back_clock_keeps_closed_is_opened() -> None:
    client = redis.Redis.from_url(settings.REDIS_URL)
    client.set(KEY, 1, px=600_000)
    assert not take_gate(client, KEY, milliseconds=500, longest=600_000), "others may close it for longer"
    assert take_gate(client, KEY, milliseconds=500)
    assert 0 < client.pttl(KEY) <= 500
