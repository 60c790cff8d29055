from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from meeteasy.moving import MoveError, move_data


class Command(BaseCommand):
    help = (
        "Copy everything into other, empty databases: those that DATABASE_URL and MONGODB_URI will name. In "
        "read-only mode, with workers and beat stopped. Then start everything with those variables."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--database-url", default="", help="for all but events and summaries")
        parser.add_argument("--mongodb-uri", default="", help="for events and summaries")
        parser.add_argument("--mongodb-database", default="")

    def handle(self, **options: Any) -> None:
        names = ("database_url", "mongodb_uri", "mongodb_database")
        if not options["database_url"]:
            raise CommandError("--database-url: where should conferences and registrations go?")
        try:
            counts = move_data(**{name: options[name] for name in names})
        except MoveError as error:
            raise CommandError(str(error)) from error
        for label, count in sorted(counts.items()):
            if count:
                self.stdout.write(f"{count:>10} {label}")
        self.stdout.write(f"{sum(counts.values()):>10} rows are in the new databases, and counted there")
