from typing import Any

from django.core.management.base import BaseCommand

from analytics.typescript import event_types_module


class Command(BaseCommand):
    help = "Print the event types as TypeScript (bin/generate writes webapi/src/generated/events.ts)."
    requires_system_checks: list[str] = []

    def handle(self, **options: Any) -> None:
        self.stdout.write(event_types_module(), ending="")
