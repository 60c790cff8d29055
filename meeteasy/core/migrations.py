"""Steps that migrations of several apps share."""

from typing import Any

from django.db import migrations

_DROP_LIKE_INDEXES = r"""
    DO $$
    DECLARE name text;
    BEGIN
        FOR name IN SELECT indexname FROM pg_indexes
            WHERE schemaname = current_schema() AND tablename LIKE '{pattern}' AND indexname LIKE '%\_like'
        LOOP EXECUTE format('DROP INDEX %I', name);
        END LOOP;
    END $$
"""


def run_on_postgresql(*statements: str) -> migrations.RunPython:
    """A step that PostgreSQL alone takes. It needs no way back: what it changes goes with its tables."""

    def run(apps: Any, schema_editor: Any) -> None:
        if schema_editor.connection.vendor == "postgresql":
            for statement in statements:
                schema_editor.execute(statement, params=None)

    return migrations.RunPython(run, migrations.RunPython.noop)


def drop_like_indexes(pattern: str) -> migrations.RunPython:
    """Drop the indexes for LIKE that Django makes on PostgreSQL for each key of text, in the tables whose
    names are LIKE `pattern`. They are written with every row, and no query of ours uses them."""
    return run_on_postgresql(_DROP_LIKE_INDEXES.format(pattern=pattern))
