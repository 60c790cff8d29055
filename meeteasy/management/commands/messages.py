from typing import Any

from django.core.management.base import BaseCommand

from meeteasy import translations


class Command(BaseCommand):
    help = "Bring locale/*/LC_MESSAGES/django.po in line with the sources, and compile it. Needs no gettext."

    def handle(self, **options: Any) -> None:
        for language in translations.languages():
            untranslated = translations.update(language)
            for message in untranslated:
                self.stdout.write(f"{language.folder.name}: no translation of {message.text!r}")
            self.stdout.write(f"{language.folder.name}: {len(untranslated)} without a translation")
