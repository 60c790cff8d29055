from django.db import migrations
from django.db.models import F

from meeteasy.core.folding import fold


def fill(apps, schema_editor):
    apps.get_model("conferences", "CheckIn").objects.update(recorded_at=F("checked_in_at"))
    registrations = apps.get_model("conferences", "Registration").objects
    for row in registrations.filter(search_text="").only("name", "email", "phone").iterator(chunk_size=1000):
        registrations.filter(pk=row.pk).update(search_text=fold(f"{row.name}\n{row.email}\n{row.phone}"))


class Migration(migrations.Migration):

    dependencies = [
        ("conferences", "0005_waiting_lists_scans_and_jobs"),
    ]

    operations = [
        migrations.RunPython(fill, migrations.RunPython.noop, elidable=True),
    ]
