"""Which release the database belongs to, and whether this one may work on it.

`manage.py prepare` refuses an older release than the database's, and one that would skip a release which must
come in between, both by name. What it has prepared is in the table of releases.
"""

import tomllib
from functools import lru_cache
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import models
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

# The oldest release whose database this one can take over. Raise it when old migrations are squashed away.
OLDEST_UPGRADABLE = "0.1.0"


class ReleaseError(Exception):
    """This release must not work on that database; the message says which may."""


class Release(models.Model):
    """A release that has prepared this database."""

    version = models.CharField(primary_key=True, max_length=32)
    prepared_at = models.DateTimeField()

    class Meta:
        app_label = "meeteasy"

    def __str__(self) -> str:
        return self.version


@lru_cache(maxsize=1)
def running_release() -> str:
    project = tomllib.loads((settings.BASE_DIR / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return str(project["version"])


def check_release(recorded: str, *, running: str | None = None, oldest: str = OLDEST_UPGRADABLE) -> None:
    """Raises ReleaseError if `running`, by default this release, may not take over a database of
    `recorded`."""
    running = running or running_release()
    if _order(recorded) > _order(running):
        raise ReleaseError(
            f"the database belongs to release {recorded}; this is the older {running}. "
            f"Install {recorded} or later, or restore a backup of {running}"
        )
    if _order(recorded) < _order(oldest):
        raise ReleaseError(
            f"the database belongs to release {recorded}; {running} takes over {oldest} or later. "
            f"Upgrade to {oldest} first"
        )


def check_database() -> None:
    """Check the database `default` before it is migrated. Raises ReleaseError."""
    from django.db import connection

    tables = connection.introspection.table_names()
    if Release._meta.db_table in tables:
        for version in Release.objects.values_list("version", flat=True):
            check_release(version)
    applied = read_applied_migrations(connection)
    unknown = find_unknown_migrations(applied)
    if unknown:
        raise ReleaseError(
            f"the database belongs to a newer release than {running_release()}: "
            f"it has {', '.join(unknown[:3])}"
        )
    missing = find_half_replaced_migrations(applied)
    if missing:
        raise ReleaseError(
            f"the database has only some of the migrations that {running_release()} replaces: it lacks "
            f"{', '.join(missing[:3])}. First run `manage.py prepare` of the version before this one"
        )


def note_prepared() -> None:
    Release.objects.get_or_create(version=running_release(), defaults={"prepared_at": timezone.now()})


def read_applied_migrations(connection: Any) -> dict[str, list[str]]:
    """The names of the applied migrations of each of our apps."""
    found: dict[str, list[str]] = {}
    for app, name in sorted(MigrationRecorder(connection).applied_migrations()):
        if app in apps.app_configs:
            found.setdefault(app, []).append(name)
    return found


def find_unknown_migrations(applied: dict[str, list[str]]) -> list[str]:
    """Those that this release does not have: `app.name`."""
    loader = MigrationLoader(None, ignore_no_migrations=True)
    known = set(loader.disk_migrations) | {
        replaced for migration in loader.disk_migrations.values() for replaced in migration.replaces
    }
    return [f"{app}.{name}" for app, names in applied.items() for name in names if (app, name) not in known]


def find_half_replaced_migrations(applied: dict[str, list[str]]) -> list[str]:
    """The missing ones, `app.name`, where a part of what a migration replaces was applied. Their code is
    gone, so this release cannot apply them."""
    missing: list[str] = []
    for (app, name), migration in MigrationLoader(None, ignore_no_migrations=True).disk_migrations.items():
        lacking = [
            replaced for owner, replaced in migration.replaces if replaced not in applied.get(owner, ())
        ]
        if name not in applied.get(app, ()) and len(lacking) < len(migration.replaces):
            missing += [f"{app}.{replaced}" for replaced in lacking]
    return missing


def _order(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())
