from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from meeteasy.backups import BackupError, restore_backup
from meeteasy.management.commands.prepare import prepare


class Command(BaseCommand):
    help = "Restore a backup into an empty installation, of this or a later release. Start nothing before."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, help="the folder that `backup` printed")

    def handle(self, *, folder: Path, **options: Any) -> None:
        try:
            manifest = restore_backup(folder)
        except BackupError as error:
            raise CommandError(str(error)) from error
        prepare()
        self.stdout.write(
            f"restored the backup of {manifest.made_at} (release {manifest.release}): "
            f"{sum(manifest.counts.values())} rows, {manifest.stream_entries} entries that wait"
        )
        if manifest.analytics == "mongodb":
            self.stdout.write("Events and summaries are in MongoDB: restore those by mongorestore")
