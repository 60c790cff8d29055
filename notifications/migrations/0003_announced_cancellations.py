"""A conference whose latest announcement says so is cancelled, by a column of its own from now on."""

from typing import Any

from django.db import migrations


def mark_cancelled(apps: Any, schema_editor: Any) -> None:
    announcements = apps.get_model("notifications", "Announcement").objects
    conferences = apps.get_model("conferences", "Conference").objects
    for conference_id in announcements.order_by().values_list("conference_id", flat=True).distinct():
        latest = announcements.filter(conference_id=conference_id).order_by("-created_at", "-id").first()
        if latest.kind == "cancelled":
            conferences.filter(pk=conference_id, cancelled_at=None).update(cancelled_at=latest.created_at)


class Migration(migrations.Migration):
    dependencies = [
        ("notifications", "0002_rendered_when_sent"),
        ("conferences", "0012_cancelled_at"),
    ]

    operations = [migrations.RunPython(mark_cancelled, migrations.RunPython.noop)]
