from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from analytics.importing import ImportReport, ImportStoppedError, import_file


class Command(BaseCommand):
    help = (
        "Import events of any age from a file of JSON lines, plain or gzip (- for standard input). Events "
        "that are stored already stay as they are, so an interrupted import can simply be started again. "
        "Bad lines are listed with their numbers, and the rest is imported."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", help="path, or - for standard input")
        parser.add_argument(
            "--errors",
            metavar="FILE",
            help="where to list bad lines (default: FILE.errors.jsonl; standard error for -)",
        )
        parser.add_argument("--no-progress", action="store_true", help="show no progress bar")

    def handle(self, *, file: str, errors: str | None, no_progress: bool, **options: Any) -> None:
        try:
            report = import_file(file, errors_path=errors, progress=not no_progress)
        except ImportStoppedError as error:
            self._print(error.report)
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(str(error)) from error
        self._print(report)

    def _print(self, report: ImportReport) -> None:
        self.stdout.write(
            f"{report.lines} lines: {report.stored} events stored, {report.duplicate} known already, "
            f"{report.rejected} rejected"
        )
        if report.expired:
            self.stdout.write(f"{report.expired} left out: their conferences do not keep events of that age")
        if report.warnings:
            self.stdout.write(f"{report.warnings} warnings about lines that were imported")
        if (report.rejected or report.warnings) and report.errors_path:
            self.stdout.write(f"they are listed in {report.errors_path}")
