import datetime as dt
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from analytics.days import summaries
from conferences.models import Conference
from meeteasy.core.patience import patient


class Command(BaseCommand):
    help = "Compute the daily summaries of a conference again, for every day of a range."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--conference", required=True, help="id of the conference")
        parser.add_argument("--from", dest="first", required=True, type=dt.date.fromisoformat, metavar="DATE")
        parser.add_argument("--to", dest="last", required=True, type=dt.date.fromisoformat, metavar="DATE")

    @patient(0)
    def handle(self, *, conference: str, first: dt.date, last: dt.date, **options: Any) -> None:
        if last < first:
            raise CommandError("--to is before --from")
        if not Conference.objects.filter(id=conference).exists():
            raise CommandError(f"there is no conference {conference!r}")
        days = summaries.compute_range(conference, first, last)
        self.stdout.write(f"{days} days computed")
