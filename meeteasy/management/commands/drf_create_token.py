from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError

from meeteasy.core.tokens import ApiToken, create_token


class Command(BaseCommand):
    help = "Make an API token of a user and print it; it cannot be shown again. Earlier ones stay valid."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username")
        parser.add_argument("-r", "--reset", action="store_true", help="withdraw the user's earlier tokens")

    def handle(self, *, username: str, reset: bool, **options: Any) -> None:
        user = User.objects.filter(username=username).first()
        if user is None:
            raise CommandError(f"there is no user {username!r}")
        if reset:
            ApiToken.objects.filter(user=user).delete()
        self.stdout.write(f"Generated token {create_token(user)} for user {username}")
