from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from meeteasy import translations


class Command(BaseCommand):
    help = "Bring locale/*/LC_MESSAGES/django.po in line with the sources, and compile it."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--compile", action="store_true", help="only compile what is translated")

    def handle(self, **options: Any) -> None:
        for path in translations.list_catalogs():
            if options["compile"]:
                translations.compile_catalog(path)
                continue
            language = translations.language_of(path)
            untranslated = translations.update(path)
            for text in untranslated:
                self.stdout.write(f"{language}: no translation of {text!r}")
            self.stdout.write(f"{language}: {len(untranslated)} without a translation")
