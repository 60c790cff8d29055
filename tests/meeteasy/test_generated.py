"""Committed files that are generated from the code are up to date."""

import io
from pathlib import Path

import pytest
from django.core.management import call_command

from analytics.typescript import event_types_module

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.mark.django_db
def test_no_migration_is_missing() -> None:
    call_command("makemigrations", "--check", "--dry-run", stdout=io.StringIO())


def test_the_api_description_in_docs_is_valid_and_current(tmp_path: Path) -> None:
    written = tmp_path / "openapi.yaml"
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", str(written))

    assert written.read_text() == (ROOT / "docs" / "openapi.yaml").read_text(), "run bin/generate, and commit"


def test_the_sdk_has_the_event_types_of_the_catalogue() -> None:
    written = (ROOT / "webapi" / "src" / "generated" / "events.ts").read_text()

    assert written == event_types_module(), "run bin/generate, and commit"
