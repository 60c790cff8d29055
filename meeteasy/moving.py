"""Moving an installation to other databases: SQLite to PostgreSQL, events and summaries to MongoDB, or back.

All rows are copied through the models, and counted at the end. Nothing may write meanwhile: read-only mode is
on, and workers and beat are stopped. Events that come in wait in Redis, which stays the same.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import dj_database_url
from django.apps import apps
from django.conf import settings
from django.core.management.color import no_style
from django.db import connections, models, router, transaction

from meeteasy.core import heartbeats, read_only
from meeteasy.mongodb_settings import read_mongodb_settings

DEFAULT, ANALYTICS = "target_default", "target_analytics"
_ROWS_AT_ONCE = 1_000
# A worker that is well was heard of within this time.
_QUIET_SECONDS = 15


class MoveError(Exception):
    """The data cannot be moved; the message says why, for the operator."""


def move_data(*, database_url: str = "", mongodb_uri: str = "", mongodb_database: str = "") -> dict[str, int]:
    """Copy everything to the databases that these settings name. Returns the number of rows of each model.

    The targets must be empty. Raises MoveError; what was copied until then may be thrown away.
    """
    _check_quiet()
    environment = {
        "DATABASE_URL": database_url, "MONGODB_URI": mongodb_uri, "MONGODB_DATABASE": mongodb_database,
    }  # fmt: skip
    _prepare(environment)
    _connect(**{name.lower(): value for name, value in environment.items()})
    found = [model for model in apps.get_models(include_auto_created=True) if _has_table(model)]
    for label in ("conferences.Conference", "analytics.Event"):
        model: Any = apps.get_model(label)
        if model._base_manager.using(_target(model)).exists():
            raise MoveError(f"the target has rows of {label} already; it must be empty")
    with _as_stored(found), ExitStack() as stack:
        for alias in {_target(model) for model in found}:
            stack.enter_context(transaction.atomic(using=alias))
        for model in reversed(found):  # what `prepare` has made there comes from here, too
            model._base_manager.using(_target(model))._raw_delete(_target(model))
        for model in found:
            for page in _pages(model):
                model._base_manager.using(_target(model)).bulk_create(page)
        _reset_sequences(found)
    return _count(found)


def _check_quiet() -> None:
    if read_only.read_since() is None:
        raise MoveError("changes would be lost: `manage.py read_only on` first")
    working = [
        queue for queue, age in heartbeats.read_ages().items() if age is not None and age < _QUIET_SECONDS
    ]
    if working:
        raise MoveError(f"workers of {', '.join(working)} were at work just now: stop workers and beat first")


def _prepare(environment: dict[str, str]) -> None:
    """Make the tables there, as an installation of those settings does."""
    own = {name: value for name, value in os.environ.items() if name.removesuffix("_FILE") not in environment}
    result = subprocess.run(
        [sys.executable, "manage.py", "prepare"],
        cwd=settings.BASE_DIR, capture_output=True, text=True, check=False,
        env={**own, **{name: value for name, value in environment.items() if value}},
    )  # fmt: skip
    if result.returncode != 0:
        raise MoveError(f"the target could not be prepared: {result.stderr.strip()[-500:]}")


def _connect(*, database_url: str, mongodb_uri: str, mongodb_database: str) -> None:
    default = dj_database_url.parse(database_url) if database_url else dict(settings.DATABASES["default"])
    targets: dict[str, Any] = {DEFAULT: default}
    if mongodb_uri:
        targets[ANALYTICS] = read_mongodb_settings(mongodb_uri, mongodb_database)
    known: Any = connections
    known.settings.update(
        {
            alias: entry
            for alias, entry in known.configure_settings(
                {"default": settings.DATABASES["default"], **targets}
            ).items()
            if alias in targets
        }
    )


def _has_table(model: type[models.Model]) -> bool:
    return model._meta.managed and not model._meta.proxy


def _target(model: type[models.Model]) -> str:
    is_analytics = model._meta.app_label == "analytics" and ANALYTICS in connections
    return ANALYTICS if is_analytics else DEFAULT


def _pages(model: Any) -> Iterator[list[models.Model]]:
    rows = model._base_manager.using(router.db_for_read(model)).order_by("pk")
    page = list(rows[:_ROWS_AT_ONCE])
    while page:
        yield page
        page = list(rows.filter(pk__gt=page[-1].pk)[:_ROWS_AT_ONCE])


@contextmanager
def _as_stored(found: list[Any]) -> Iterator[None]:
    """Keep times that Django would set to now."""
    fields = [field for model in found for field in model._meta.local_fields]
    kept = [
        (field, name)
        for field in fields
        for name in ("auto_now", "auto_now_add")
        if getattr(field, name, False)
    ]
    for field, name in kept:
        setattr(field, name, False)
    try:
        yield
    finally:
        for field, name in kept:
            setattr(field, name, True)


def _reset_sequences(found: list[Any]) -> None:
    connection = connections[DEFAULT]
    own = [model for model in found if _target(model) == DEFAULT]
    statements = connection.ops.sequence_reset_sql(no_style(), own)
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def _count(found: list[Any]) -> dict[str, int]:
    counts = {}
    for model in found:
        label = model._meta.label
        here = model._base_manager.using(router.db_for_read(model)).count()
        there = model._base_manager.using(_target(model)).count()
        if here != there:
            raise MoveError(
                f"{there} of {here} rows of {label} were copied; empty the target and start again"
            )
        counts[label] = here
    return counts
