"""Steps that migrations of several apps share."""

import re
from typing import Any

from django.db import OperationalError, migrations

from meeteasy.core.folding import fold

_ROWS_AT_ONCE = 2_000
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


# As Django writes it for a JSONField.
_JSON_CHECK = re.compile(r' CHECK \(\(JSON_VALID\("\w+"\) OR "\w+" IS NULL\)\)')


def drop_json_checks(table: str) -> migrations.RunPython:
    """On SQLite, drop Django's checks that texts in the table's JSON columns are JSON (see EncodedJSONField).

    Only the table's description changes, by the procedure that SQLite documents for this
    (sqlite.org/lang_altertable.html); Django would copy the whole table. Where SQLite is built to refuse
    that, the checks stay, and cost time.
    """

    def run(apps: Any, schema_editor: Any) -> None:
        if schema_editor.connection.vendor != "sqlite":
            return
        with schema_editor.connection.cursor() as cursor:
            cursor.execute("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = %s", [table])
            description = _JSON_CHECK.sub("", cursor.fetchone()[0])
            version = cursor.execute("PRAGMA schema_version").fetchone()[0]
            cursor.execute("PRAGMA writable_schema = ON")
            try:
                cursor.execute(
                    "UPDATE sqlite_master SET sql = %s WHERE type = 'table' AND name = %s",
                    [description, table],
                )
                # All connections read the description again.
                cursor.execute(f"PRAGMA schema_version = {version + 1}")
            except OperationalError:
                pass
            finally:
                cursor.execute("PRAGMA writable_schema = OFF")

    return migrations.RunPython(run, migrations.RunPython.noop)


def fold_again(app: str, model: str, field: str) -> migrations.RunPython:
    """Fold the stored texts of `field` as searches now do, after a change of `fold`; reads each row once."""

    def run(apps: Any, schema_editor: Any) -> None:
        rows = apps.get_model(app, model).objects.using(schema_editor.connection.alias)
        stale: list[Any] = []
        for row in rows.exclude(**{field: ""}).only("pk", field).iterator(chunk_size=_ROWS_AT_ONCE):
            folded = fold(getattr(row, field))
            if folded != getattr(row, field):
                setattr(row, field, folded)
                stale.append(row)
        rows.bulk_update(stale, [field], batch_size=_ROWS_AT_ONCE)

    return migrations.RunPython(run, migrations.RunPython.noop)
