from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from meeteasy.backups import BackupError, make_backup


class Command(BaseCommand):
    help = "Back up the events that wait in Redis, the database and the files, while all runs."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("target", type=Path, help="the folder in which the backup's own folder is made")

    def handle(self, *, target: Path, **options: Any) -> None:
        try:
            folder, manifest = make_backup(target)
        except BackupError as error:
            raise CommandError(str(error)) from error
        rows = sum(manifest.counts.values())
        self.stdout.write(f"{folder}: {rows} rows, {manifest.stream_entries} entries that wait")
        if manifest.analytics == "mongodb":
            self.stdout.write("Events and summaries are in MongoDB: run mongodump now (docs/mongodb.md)")
