from typing import Any

from django.core.management.base import BaseCommand

from meeteasy.schedule import sync_schedule


class Command(BaseCommand):
    help = "Create the entries of beat's default schedule that the database lacks; change none that it has."

    def handle(self, **options: Any) -> None:
        created = sync_schedule()
        for name in created:
            self.stdout.write(f"created: {name}")
        self.stdout.write(f"{len(created)} created, the others left as they are")
