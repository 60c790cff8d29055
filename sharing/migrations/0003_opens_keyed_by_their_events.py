"""An open is known by its event, and its visitor's opens are found by an index of visitors alone: two small
indexes instead of three, one of which was large and written in no order."""

from typing import Any

from django.db import migrations, models

# Django makes an index for LIKE for every key of text on PostgreSQL; no query of ours uses it.
_DROP_LIKE_INDEX = r"""
    DO $$
    DECLARE name text;
    BEGIN
        FOR name IN SELECT indexname FROM pg_indexes
            WHERE schemaname = current_schema() AND tablename = 'sharing_shareopen' AND indexname LIKE '%\_like'
        LOOP EXECUTE format('DROP INDEX %I', name);
        END LOOP;
    END $$
"""


def drop_like_index(apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(_DROP_LIKE_INDEX, params=None)


class Migration(migrations.Migration):
    dependencies = [("sharing", "0002_room_for_counters_on_postgresql")]
    operations = [
        migrations.RemoveConstraint(model_name="shareopen", name="one_open_per_event"),
        migrations.RemoveField(model_name="shareopen", name="id"),
        migrations.AlterField(
            model_name="shareopen",
            name="event_id",
            field=models.CharField(max_length=80, primary_key=True, serialize=False, verbose_name="event"),
        ),
        migrations.AddIndex(
            model_name="shareopen", index=models.Index(fields=["visitor"], name="open_visitor")
        ),
        migrations.RunPython(drop_like_index, migrations.RunPython.noop),
    ]
