"""SQLite: a check of three JSON texts was an eighth of an insert, and workers encode them themselves."""

from django.db import migrations

import meeteasy.core.fields
from meeteasy.core.migrations import drop_json_checks


class Migration(migrations.Migration):
    dependencies = [("analytics", "0004_segments_of_one_day")]
    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[drop_json_checks("analytics_event")],
            state_operations=[
                migrations.AlterField(
                    model_name="event",
                    name="data",
                    field=meeteasy.core.fields.EncodedJSONField(default=dict, verbose_name="own fields"),
                ),
                migrations.AlterField(
                    model_name="event",
                    name="properties",
                    field=meeteasy.core.fields.EncodedJSONField(default=dict, verbose_name="properties"),
                ),
                migrations.AlterField(
                    model_name="event",
                    name="context",
                    field=meeteasy.core.fields.EncodedJSONField(null=True, verbose_name="context"),
                ),
            ],
        ),
    ]
