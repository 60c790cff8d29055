"""`manage.py rebuild_sharing --conference ID`: rebuild links, tree and credits from the stored events."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from sharing.services.rebuilding import rebuild


class Command(BaseCommand):
    help = "Rebuild the share links, the tree and all credits of a conference from its stored events."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--conference", required=True, help="id of the conference")

    def handle(self, *args: Any, **options: Any) -> None:
        events = rebuild(options["conference"])
        self.stdout.write(f"{events} events")
