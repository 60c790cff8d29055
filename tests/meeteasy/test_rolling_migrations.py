"""Migrations since the previous release leave its processes working: they run beside this version's until the
upgrade is over (docs/operations.md)."""

import subprocess
from collections.abc import Iterable
from pathlib import PurePosixPath

import pytest
from django.db import connection, models
from django.db.migrations import AddField, CreateModel, DeleteModel, RemoveField, RenameField
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation

from tests.support.forks import ROOT

_GONE = (RemoveField, RenameField, DeleteModel)


def find_breaking(operations: Iterable[Operation]) -> list[str]:
    """Describe the operations after which older code fails: it names columns that are gone, or inserts rows
    without one that must have a value."""
    made, found = set(), []
    for operation in operations:
        if isinstance(operation, CreateModel):
            made.add(operation.name_lower)
        elif isinstance(operation, _GONE):
            found.append(operation.describe())
        elif isinstance(operation, AddField) and operation.model_name_lower not in made:
            field = operation.field
            if not (field.null or field.many_to_many or field.has_db_default()):
                found.append(operation.describe())
    return found


@pytest.mark.parametrize(
    ("operation", "breaks"),
    [
        (
            AddField("event", "mood", models.TextField(default="")),
            True,
        ),  # Django keeps no default in the table
        (AddField("event", "mood", models.TextField(db_default="")), False),
        (AddField("event", "mood", models.TextField(null=True)), False),
        (RemoveField("event", "mood"), True),
        (RenameField("event", "mood", "temper"), True),
        (DeleteModel("event"), True),
        (CreateModel("event", [("id", models.TextField(primary_key=True))]), False),
    ],
)
def test_what_breaks_older_code_is_found(operation: Operation, breaks: bool) -> None:
    assert bool(find_breaking([operation])) == breaks


def test_no_migration_since_the_release_breaks_its_processes() -> None:
    asked = ["git", "describe", "--tags", "--abbrev=0", "--match=v*"]
    tag = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()
    if not tag:
        pytest.skip("there is no tag of a release")
    listed = subprocess.run(
        ["git", "ls-tree", "-r", "--name-only", tag], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    known = {
        (path.parts[0], path.stem) for path in map(PurePosixPath, listed) if path.parent.name == "migrations"
    }
    loader = MigrationLoader(connection, ignore_no_initial=True, replace_migrations=False)
    for (app, name), migration in loader.disk_migrations.items():
        if (ROOT / app).is_dir() and (app, name) not in known:
            assert find_breaking(migration.operations) == [], f"{app}.{name}"
