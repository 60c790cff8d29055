"""Failed sign-ins are slowed down, by account and by address, and logged."""

import logging

import pytest
import redis
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client

from meeteasy.core.logins import LIMITS
from tests.support.services import ValkeyServer

pytestmark = pytest.mark.django_db

LOGIN = "/accounts/login/"


@pytest.fixture
def dora(db: None) -> User:
    return User.objects.create_superuser("dora", "dora@example.com", "right-password")


def sign_in(username: str, password: str, *, address: str = "192.0.2.1", path: str = LOGIN) -> int:
    client = Client(REMOTE_ADDR=address)
    return client.post(path, {"username": username, "password": password}).status_code


@pytest.mark.parametrize("path", [LOGIN, "/admin/login/"])
def test_after_five_failures_even_the_right_password_waits(dora: User, path: str) -> None:
    assert [sign_in("dora", "wrong", path=path) for _ in range(6)] == [200] * 5 + [429]
    assert sign_in("dora", "right-password", path=path) == 429
    assert sign_in("DORA ", "right-password", path=path) == 429
    assert sign_in("dora", "right-password", path=path, address="192.0.2.2") == 302


def test_failures_of_the_future_are_forgiven(dora: User) -> None:
    """They were counted by a clock that was set back since, and would be kept until then."""
    for _ in range(6):
        status = sign_in("dora", "wrong")
    assert status == 429
    client = redis.Redis.from_url(settings.REDIS_URL)
    for key in client.keys("login:*"):
        client.expire(key, 172_800)
    assert sign_in("dora", "right-password") == 302


def test_success_forgives_earlier_failures(dora: User) -> None:
    for _ in range(3):
        assert [sign_in("dora", "wrong") for _ in range(4)] == [200] * 4
        assert sign_in("dora", "right-password") == 302


def test_an_address_cannot_try_many_accounts(dora: User) -> None:
    statuses = [sign_in(f"user{number}", "wrong") for number in range(LIMITS["address"] + 1)]
    assert statuses == [200] * LIMITS["address"] + [429]
    assert sign_in("dora", "right-password") == 429
    assert sign_in("dora", "right-password", address="192.0.2.2") == 302


def test_an_account_cannot_be_tried_from_many_addresses(dora: User) -> None:
    count = LIMITS["account"]
    statuses = [sign_in("dora", "wrong", address=f"198.51.100.{number}") for number in range(count + 1)]
    assert statuses == [200] * count + [429]


def test_failures_are_logged_but_not_stored_in_clear(dora: User, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        sign_in("dora", "wrong")
    assert "login_failed" in caplog.text
    assert "dora" in caplog.text
    assert "wrong" not in caplog.text.replace("wrong-", "")
    keys = redis.Redis.from_url(settings.REDIS_URL).keys("login:*")
    assert len(keys) == 3
    assert not any(b"dora" in key or b"192.0.2.1" in key for key in keys)


def test_people_can_sign_in_without_redis(dora: User, valkey: ValkeyServer) -> None:
    valkey.kill()
    try:
        assert sign_in("dora", "right-password") == 302
    finally:
        valkey.start()


def test_a_client_cannot_forge_its_address(dora: User) -> None:
    for number in range(6):
        client = Client(REMOTE_ADDR="192.0.2.1", HTTP_X_FORWARDED_FOR=f"203.0.113.{number}")
        status = client.post(LOGIN, {"username": "dora", "password": "wrong"}).status_code
    assert status == 429


def test_an_ipv6_line_is_one_client(dora: User) -> None:
    """Whoever has a line has 2^64 addresses."""
    lines = ["2001:db8::1", "2001:DB8:0:0::2", "2001:db8::3", "2001:db8::4", "2001:db8::5", "2001:db8::6"]
    assert [sign_in("dora", "wrong", address=address) for address in lines][-1] == 429
    assert sign_in("dora", "right-password", address="2001:db8:0:1::1") == 302
    assert sign_in("dora", "wrong", address="192.0.2.9") == 200


def test_an_ipv4_address_in_ipv6_is_that_address(dora: User) -> None:
    for _ in range(5):
        sign_in("dora", "wrong", address="192.0.2.9")
    assert sign_in("dora", "right-password", address="::ffff:192.0.2.9") == 429
