import time
from argparse import ArgumentParser
from contextlib import suppress
from typing import Any

import httpx
import redis
from django.conf import settings
from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError

from meeteasy.core.redis import get_redis
from meeteasy.demo.making import find_demos, make_demo, remove_demos
from meeteasy.demo.playing import MOST_PER_SECOND, Player


class Command(BaseCommand):
    help = (
        "Make a demo conference with six weeks of history, and last year's to compare it with. Made again, "
        "it adds what has happened since."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        what = parser.add_mutually_exclusive_group()
        what.add_argument(
            "--live", action="store_true",
            help="play visitors through the public HTTP API until Ctrl-C",
        )  # fmt: skip
        what.add_argument("--remove", action="store_true", help="delete the demo conferences with all data")
        parser.add_argument("--owner", metavar="USERNAME", default="organizer", help="default: organizer")
        parser.add_argument(
            "--rate", type=_read_rate, default=1.0, metavar="N",
            help=f"visitors a second of --live, at most {MOST_PER_SECOND:g}; default: 1",
        )  # fmt: skip
        parser.add_argument(
            "--url", default=settings.PUBLIC_URL, help=f"server of --live; default: {settings.PUBLIC_URL}"
        )
        parser.add_argument("--seconds", type=float, help="how long --live plays; default: until Ctrl-C")

    def handle(self, *, live: bool, remove: bool, owner: str, **options: Any) -> None:
        if remove:
            removed = remove_demos(tell=self.stdout.write)
            self.stdout.write(f"{removed} conferences removed" if removed else "there is no demo")
        elif live:
            self._play(options["url"], rate=options["rate"], seconds=options["seconds"])
        else:
            self._make(owner)

    def _make(self, username: str) -> None:
        owner = User.objects.filter(username=username).first()
        if owner is None:
            raise CommandError(f"there is no user {username!r}; name one by --owner")
        try:
            get_redis().ping()
        except redis.RedisError as error:
            raise CommandError(f"Redis does not answer ({error}); start MeetEasy first") from error
        started = time.monotonic()
        conference = make_demo(owner=owner, tell=self.stdout.write)
        self.stdout.write(
            f"{settings.PUBLIC_URL}/console/c/{conference.id}/ is ready after "
            f"{time.monotonic() - started:.0f} s"
        )

    def _play(self, url: str, *, rate: float, seconds: float | None) -> None:
        conference = next(iter(find_demos()), None)
        if conference is None:
            raise CommandError("there is no demo; make one first: manage.py demo")
        registers = settings.DEVELOPMENT_MAILBOX
        if not registers:
            self.stdout.write("Nobody registers, because their mails would really be sent.")
        self.stdout.write(f"{rate:g} visitors a second come to {url}/conf/{conference.id}; Ctrl-C ends it")
        end = None if seconds is None else time.monotonic() + seconds
        with httpx.Client(base_url=url, timeout=20) as client:  # our own server, which may be at localhost
            player = Player(client, conference.id, registers=registers)
            with suppress(KeyboardInterrupt):
                player.play(per_second=rate, until=lambda: end is not None and time.monotonic() > end)
        played = player.played
        self.stdout.write(
            f"{played.visitors} visitors, {played.events} events, {played.registrations} registrations, "
            f"{played.refused} refused"
        )


def _read_rate(text: str) -> float:
    """Raises ValueError, which argparse reports."""
    rate = float(text)
    if not 0 < rate <= MOST_PER_SECOND:
        raise ValueError(f"between 0 and {MOST_PER_SECOND:g}")
    return rate
