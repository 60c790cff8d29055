"""PostgreSQL: Django makes an index for LIKE for every key of text. No query of ours uses that of events, and
it was written with each of them."""

from typing import Any

from django.db import migrations

_DROP_LIKE_INDEX = r"""
    DO $$
    DECLARE name text;
    BEGIN
        FOR name IN SELECT indexname FROM pg_indexes
            WHERE schemaname = current_schema() AND tablename = 'analytics_event' AND indexname LIKE '%\_like'
        LOOP EXECUTE format('DROP INDEX %I', name);
        END LOOP;
    END $$
"""


def drop_like_index(apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(_DROP_LIKE_INDEX, params=None)


class Migration(migrations.Migration):
    dependencies = [("analytics", "0003_time_before_subject_in_day_index")]
    operations = [migrations.RunPython(drop_like_index, migrations.RunPython.noop)]
