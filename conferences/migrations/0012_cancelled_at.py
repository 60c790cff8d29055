"""A conference can be cancelled."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("conferences", "0011_event_keys_and_aliases")]

    operations = [
        migrations.AddField(
            "Conference", "cancelled_at",
            models.DateTimeField(
                blank=True, editable=False, null=True, verbose_name="cancelled at",
                help_text="Set: the conference does not take place, and its form is closed.",
            ),
        ),
    ]  # fmt: skip
