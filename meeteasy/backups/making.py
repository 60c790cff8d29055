"""Making a backup."""

import datetime as dt
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.db import connections

from meeteasy.backups import databases, waiting
from meeteasy.backups.manifest import BackupError, Manifest, digest_of
from meeteasy.core.releases import read_applied_migrations, running_release

FILES = "files"
WAITING = "waiting"
# In DATA_DIR, but copied otherwise, or made again.
_NOT_FILES = ("meeteasy.sqlite3", "valkey", "static", "lock")


def make_backup(target: Path) -> tuple[Path, Manifest]:
    """Make a backup in a new folder below `target`, named for the moment; returns it. Raises BackupError.

    The folder has its name once it is complete, and only its owner may read it.
    """
    now = dt.datetime.now(dt.UTC)
    folder = target / f"meeteasy-{now:%Y%m%dT%H%M%SZ}"
    part = folder.with_name(f"{folder.name}.part")
    try:
        target.mkdir(parents=True, exist_ok=True)
        part.mkdir(mode=0o700)
    except OSError as error:
        raise BackupError(str(error)) from error
    entries = waiting.copy_waiting(part / WAITING)
    counts = databases.copy_database(part)
    _copy_files(part / FILES, leave_out=target)
    manifest = Manifest(
        release=running_release(),
        made_at=now.isoformat(),
        database=databases.kind_of("default"),
        analytics=databases.kind_of(settings.ANALYTICS_DATABASE),
        migrations=read_applied_migrations(connections["default"]),
        stream_entries=entries,
        counts=counts,
        files={str(path.relative_to(part)): digest_of(path) for path in sorted(_walk(part))},
    )
    manifest.write(part)
    os.rename(part, folder)
    return folder, manifest


def _copy_files(target: Path, *, leave_out: Path) -> None:
    """Copy what DATA_DIR has besides databases: uploads, results, the secret key of `bin/run`."""
    target.mkdir()
    for source in _walk(settings.DATA_DIR):
        place = source.relative_to(settings.DATA_DIR)
        is_ours = place.parts[0].startswith(_NOT_FILES) or source.is_relative_to(leave_out.resolve())
        if is_ours or source.suffix in (".log", ".part"):
            continue
        copy = target / place
        copy.parent.mkdir(parents=True, exist_ok=True)
        try:
            shutil.copyfile(source, copy)
        except FileNotFoundError:  # deleted meanwhile
            copy.unlink(missing_ok=True)
        else:
            copy.chmod(0o600)


def _walk(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            yield path
