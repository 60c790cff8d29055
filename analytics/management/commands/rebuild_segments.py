import datetime as dt
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from analytics import preparing
from conferences.models import Conference
from meeteasy.core.patience import patient


class Command(BaseCommand):
    help = "Make the segments again from which summaries of ranges are read: of all conferences, or of one."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--conference", help="id of the conference; all by default")
        parser.add_argument(
            "--from", dest="first", type=dt.date.fromisoformat, default=dt.date.min, metavar="DATE"
        )
        parser.add_argument(
            "--to", dest="last", type=dt.date.fromisoformat, default=dt.date.max, metavar="DATE"
        )

    @patient(0)
    def handle(self, *, conference: str | None, first: dt.date, last: dt.date, **options: Any) -> None:
        if last < first:
            raise CommandError("--to is before --from")
        conferences = Conference.objects.order_by("id")
        if conference is not None:
            conferences = conferences.filter(id=conference)
            if not conferences.exists():
                raise CommandError(f"there is no conference {conference!r}")
        started = time.monotonic()
        made = sum(
            preparing.make_segments(conference_id, first, last)
            for conference_id in conferences.values_list("id", flat=True)
        )
        preparing.sweep_segments()
        self.stdout.write(f"{made} segments made in {time.monotonic() - started:.1f} s")
