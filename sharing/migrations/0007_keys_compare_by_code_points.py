"""Keys compare by code points on PostgreSQL, too (meeteasy/core/fields.py). SQLite compares so anyway, and would
copy each table for each column."""

from typing import Any

from django.db import migrations

from meeteasy.core.fields import KeyField


def collate(apps: Any, schema_editor: Any) -> None:
    connection = schema_editor.connection
    if connection.vendor != "postgresql":
        return
    for model in apps.get_app_config("sharing").get_models():
        types = {field.column: field.db_parameters(connection) for field in model._meta.concrete_fields}
        changes = [
            f'ALTER COLUMN {column} TYPE {found["type"]} COLLATE "C"'
            for column, found in types.items()
            if found.get("collation")
        ]
        if changes:
            schema_editor.execute(f"ALTER TABLE {model._meta.db_table} {', '.join(changes)}")


class Migration(migrations.Migration):
    dependencies = [("sharing", "0006_fewer_columns_and_smaller_indexes")]
    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AlterField("daytomark", "conference_id", KeyField(max_length=64)),
                migrations.AlterField(
                    "notcredited", "link_key", KeyField(db_index=True, max_length=130, verbose_name="link")
                ),
                migrations.AlterField("registrant", "code_event_id", KeyField(blank=True, max_length=80)),
                migrations.AlterField(
                    "registrant",
                    "code_key",
                    KeyField(blank=True, max_length=130, verbose_name="code it came with"),
                ),
                migrations.AlterField(
                    "registrant", "conference_id", KeyField(max_length=64, verbose_name="conference")
                ),
                migrations.AlterField(
                    "registrant", "event_id", KeyField(max_length=80, verbose_name="event")
                ),
                migrations.AlterField(
                    "registrant", "id", KeyField(max_length=130, primary_key=True, serialize=False)
                ),
                migrations.AlterField(
                    "registrant", "visitor", KeyField(blank=True, max_length=80, verbose_name="visitor")
                ),
                migrations.AlterField("registrant", "visitor_event_id", KeyField(blank=True, max_length=80)),
                migrations.AlterField(
                    "shareclaim", "event_id", KeyField(max_length=80, verbose_name="event")
                ),
                migrations.AlterField(
                    "shareclaim", "link_key", KeyField(max_length=130, verbose_name="link")
                ),
                migrations.AlterField(
                    "shareclaim", "parent_key", KeyField(blank=True, max_length=130, verbose_name="parent")
                ),
                migrations.AlterField("shareclaim", "sharer", KeyField(max_length=80, verbose_name="sharer")),
                migrations.AlterField(
                    "shareconversion", "conference_id", KeyField(max_length=64, verbose_name="conference")
                ),
                migrations.AlterField(
                    "sharelink", "channel", KeyField(blank=True, max_length=512, verbose_name="channel")
                ),
                migrations.AlterField(
                    "sharelink",
                    "claimed_parent",
                    KeyField(blank=True, max_length=130, verbose_name="claimed parent"),
                ),
                migrations.AlterField("sharelink", "code", KeyField(max_length=64, verbose_name="code")),
                migrations.AlterField(
                    "sharelink", "conference_id", KeyField(max_length=64, verbose_name="conference")
                ),
                migrations.AlterField("sharelink", "first_event_id", KeyField(max_length=80)),
                migrations.AlterField(
                    "sharelink", "id", KeyField(max_length=130, primary_key=True, serialize=False)
                ),
                migrations.AlterField("sharelink", "parent_event_id", KeyField(blank=True, max_length=80)),
                migrations.AlterField(
                    "sharelink",
                    "sharer",
                    KeyField(
                        help_text="Visitor id, or “user:” and the number of a user.",
                        max_length=80,
                        verbose_name="sharer",
                    ),
                ),
                migrations.AlterField(
                    "shareopen",
                    "event_id",
                    KeyField(max_length=80, primary_key=True, serialize=False, verbose_name="event"),
                ),
                migrations.AlterField("shareopen", "link_key", KeyField(max_length=130, verbose_name="link")),
                migrations.AlterField(
                    "shareopen", "visitor", KeyField(max_length=80, verbose_name="visitor")
                ),
            ]
        ),
        migrations.RunPython(collate, migrations.RunPython.noop),
    ]
