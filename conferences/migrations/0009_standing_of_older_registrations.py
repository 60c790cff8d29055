"""Registrations that were cancelled or rejected before standing had a version get their first one: the sweep of own
events then tells the figures."""

from typing import Any

from django.db import migrations
from django.db.models import F
from django.db.models.functions import Coalesce


def note_withdrawn(apps: Any, schema_editor: Any) -> None:
    registrations = apps.get_model("conferences", "Registration").objects.using(schema_editor.connection.alias)
    registrations.filter(state__in=["cancelled", "rejected"], standing_version=0).update(
        standing_version=1, standing_changed_at=Coalesce(F("decided_at"), F("registered_at"))
    )


class Migration(migrations.Migration):
    dependencies = [("conferences", "0008_questions_and_tagline")]

    operations = [migrations.RunPython(note_withdrawn, migrations.RunPython.noop, elidable=True)]
