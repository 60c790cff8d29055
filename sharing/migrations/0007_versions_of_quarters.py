"""Each quarter hour of registrations has a number that changes with its sums. A quarter hour without one has not changed
since this migration."""

from django.db import migrations, models

from meeteasy.core.fields import KeyField
from meeteasy.core.migrations import drop_like_indexes


class Migration(migrations.Migration):
    dependencies = [("sharing", "0006_labels_with_any_sign")]
    operations = [
        migrations.CreateModel(
            name="QuarterVersion",
            fields=[
                ("id", KeyField(max_length=91, primary_key=True, serialize=False)),
                ("number", models.BigIntegerField()),
            ],
        ),
        drop_like_indexes(r"sharing\_quarterversion"),
    ]
