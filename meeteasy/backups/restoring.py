"""Restoring a backup into an empty installation."""

import shutil
from pathlib import Path

from django.conf import settings

from meeteasy.backups import databases, waiting
from meeteasy.backups.making import FILES, WAITING
from meeteasy.backups.manifest import BackupError, Manifest, read_manifest
from meeteasy.core.releases import ReleaseError, check_release, find_unknown_migrations, running_release


def restore_backup(folder: Path) -> Manifest:
    """Restore all of it. Raises BackupError before anything is written if it does not fit, or if there is
    something already.

    If it is interrupted, empty the target and start again: a half-restored one is never taken for whole,
    because the events that wait come last.
    """
    manifest = read_manifest(folder)
    _check_fits(manifest)
    databases.check_empty()
    waiting.check_nothing_waits()
    for source in sorted((folder / FILES).rglob("*")):
        target = settings.DATA_DIR / source.relative_to(folder / FILES)
        if source.is_dir():
            target.mkdir(mode=0o700, parents=True, exist_ok=True)
        else:  # the backup's secret key replaces one that bin/run has just made
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            shutil.copyfile(source, target)
            target.chmod(0o600)
    counts = databases.put_back(folder)
    if counts != manifest.counts:
        wrong = sorted(name for name in manifest.counts if counts.get(name) != manifest.counts[name])
        raise BackupError(f"restored tables have other numbers of rows than the backup: {', '.join(wrong)}")
    entries = waiting.put_back(folder / WAITING)
    if entries != manifest.stream_entries:
        raise BackupError(f"{entries} of {manifest.stream_entries} entries of the stream were restored")
    return manifest


def _check_fits(manifest: Manifest) -> None:
    kind = databases.kind_of("default")
    if manifest.database != kind:
        raise BackupError(f"the backup is of {manifest.database}, and DATABASE_URL names {kind}")
    analytics = databases.kind_of(settings.ANALYTICS_DATABASE)
    if manifest.analytics != analytics:
        raise BackupError(f"events and summaries were in {manifest.analytics}, and are in {analytics} here")
    unknown = find_unknown_migrations(manifest.migrations)
    if unknown:
        raise BackupError(
            f"the backup is of release {manifest.release}, which is newer than this one "
            f"({running_release()}): it has {', '.join(unknown[:3])}"
        )
    try:
        check_release(manifest.release)
    except ReleaseError as error:
        raise BackupError(str(error)) from error
