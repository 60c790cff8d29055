from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from meeteasy.core import read_only


class Command(BaseCommand):
    help = "Answer writes with 503, for an upgrade, or take them again. Events are taken all the time."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("state", choices=["on", "off"])

    def handle(self, *, state: str, **options: Any) -> None:
        (read_only.turn_on if state == "on" else read_only.turn_off)()
        self.stdout.write(
            "writes are refused from the next second on" if state == "on" else "writes are taken"
        )
