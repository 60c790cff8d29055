"""A drain notices a database that stalls before its task is killed, on each database."""

from typing import Any

from analytics.checks import check_that_a_drain_outlives_a_stall, seconds_to_fail
from meeteasy.mongodb_settings import read_mongodb_settings


def test_the_databases_of_this_run_fail_in_time() -> None:
    assert check_that_a_drain_outlives_a_stall() == []


def test_a_database_that_waits_too_long_is_named(settings: Any) -> None:
    settings.ANALYTICS_DATABASE = "default"
    settings.DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "OPTIONS": {"timeout": 60}}}
    (error,) = check_that_a_drain_outlives_a_stall()

    assert error.id == "analytics.E001"
    assert "'default'" in error.msg


def test_each_database_has_its_own_time_outs() -> None:
    assert seconds_to_fail(read_mongodb_settings("mongodb://127.0.0.1", "")) == 20
    postgresql = {
        "ENGINE": "django.db.backends.postgresql",
        "OPTIONS": {"connect_timeout": 5, "tcp_user_timeout": 15_000},
    }
    assert seconds_to_fail(postgresql) == 35
