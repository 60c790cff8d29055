"""Names in the field's terms: registrations are called so, an instant has one name."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("sharing", "0007_keys_compare_by_code_points")]

    operations = [
        migrations.RemoveConstraint("NotCredited", "one_reason_per_link"),
        migrations.RemoveIndex("ShareConversion", "conversion_time"),
        migrations.RemoveIndex("Registrant", "registrant_visitor"),
        migrations.RemoveIndex("Registrant", "registrant_time"),
        migrations.RenameModel("Registrant", "ShareRegistration"),
        migrations.RenameModel("DayToMark", "DirtyDayOutbox"),
        migrations.RenameField("ShareConversion", "registrant", "registration"),
        migrations.RenameField("NotCredited", "registrant", "registration"),
        migrations.RenameField("ShareConversion", "frozen_ms", "registered_ms"),
        migrations.RenameField("ShareLink", "shared_on", "child_count"),
        migrations.AlterModelOptions(
            "ShareRegistration", {"verbose_name": "registration", "verbose_name_plural": "registrations"}
        ),
        migrations.AddIndex(
            "ShareConversion",
            models.Index(fields=["conference_id", "registered_ms"], name="conversion_time"),
        ),
        migrations.AddIndex(
            "ShareRegistration",
            models.Index(fields=["visitor", "conference_id"], name="share_registration_visitor"),
        ),
        migrations.AddIndex(
            "ShareRegistration",
            models.Index(fields=["conference_id", "ms"], name="share_registration_time"),
        ),
        migrations.AddConstraint(
            "NotCredited",
            models.UniqueConstraint(
                fields=("registration", "link_key", "reason"), name="one_reason_per_link"
            ),
        ),
    ]
