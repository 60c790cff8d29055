"""Share conversions say whether nothing but a client's report is behind them. Can run again."""

from typing import Any

from django.db import migrations, models
from django.db.models import Exists, OuterRef


def fill(apps: Any, schema_editor: Any) -> None:
    alias = schema_editor.connection.alias
    registrations = apps.get_model("sharing", "ShareRegistration").objects.using(alias)
    reported = registrations.filter(id=OuterRef("registration_id"), is_confirmed=False)
    conversions = apps.get_model("sharing", "ShareConversion").objects.using(alias)
    conversions.filter(Exists(reported)).update(is_reported=True)


class Migration(migrations.Migration):
    dependencies = [("sharing", "0012_ids_of_own_events")]

    operations = [
        migrations.AddField(
            "ShareConversion", "is_reported",
            models.BooleanField(
                default=False, help_text="Nothing but a client's report is behind it.", verbose_name="reported"
            ),
        ),
        migrations.AddIndex(
            "ShareConversion",
            models.Index(
                condition=models.Q(("is_reported", True)), fields=["conference_id", "registered_ms"],
                name="conversion_reported",
            ),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop, elidable=True),
    ]  # fmt: skip
