from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from analytics.exporting import export_file
from meeteasy.core.patience import patient


class Command(BaseCommand):
    help = (
        "Export stored events to a file of JSON lines (- for standard output, .gz for gzip). Each line says "
        "who sent the event and when it came, and import_events reads it."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", nargs="?", default="-", help="path, or - for standard output")
        parser.add_argument("--conference", metavar="ID", help="only events of this conference")

    @patient(0)
    def handle(self, *, file: str, conference: str | None, **options: Any) -> None:
        try:
            written = export_file(file, conference_id=conference)
        except OSError as error:
            raise CommandError(str(error)) from error
        self.stderr.write(f"{written} events exported")
