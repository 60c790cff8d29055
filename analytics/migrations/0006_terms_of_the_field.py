"""Names in the field's terms: what the server makes of its own rows are own events."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("analytics", "0005_index_oldest_marks_and_waiting_dead_letters")]

    operations = [
        migrations.RenameModel("FactSweep", "OwnEventSweep"),
        migrations.RenameModel("LocalisedConference", "AppliedSettings"),
    ]
