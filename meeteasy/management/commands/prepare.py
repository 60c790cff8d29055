from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from meeteasy.core.patience import patient
from meeteasy.core.releases import ReleaseError, check_database, note_prepared
from meeteasy.schedule import sync_schedule


class Command(BaseCommand):
    help = "Bring databases, static files and schedule to this release: at set-up and at each upgrade."

    def handle(self, **options: Any) -> None:
        prepare()


def prepare() -> None:
    """Each step does nothing when it is done already. Raises CommandError if the database is of a release
    that this one must not work on."""
    settings.DATA_DIR.mkdir(parents=True, exist_ok=True)
    try:
        check_database()
    except ReleaseError as error:
        raise CommandError(str(error)) from error
    call_command("migrate", interactive=False, verbosity=0)
    if "analytics" in settings.DATABASES:
        with patient(0):  # an index of a large collection takes minutes
            call_command("migrate", database="analytics", interactive=False, verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    sync_schedule()
    note_prepared()
