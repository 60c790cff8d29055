"""The indexes of 0014's columns; apart from them, as PostgreSQL refuses both in one transaction."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("sharing", "0014_sums_of_credits")]

    operations = [
        migrations.AddIndex(
            "NotCredited",
            models.Index(
                fields=["conference_id", "reason", "-registered_ms", "-id"], name="not_credited_reason"
            ),
        ),
        migrations.AddIndex(
            "ShareLink",
            models.Index(fields=["conference_id", "sharer", "shared_ms", "is_void"], name="link_sharer"),
        ),
        migrations.AddIndex(
            "ShareLink",
            models.Index(
                condition=models.Q(("search_label__gt", "")), fields=["conference_id"], name="link_labelled"
            ),
        ),
        migrations.AddIndex(
            "CreditSum",
            models.Index(
                condition=models.Q(("span", -1)), fields=["conference_id", "kind", "model", "-units", "name"],
                name="credit_rank",
            ),
        ),
    ]  # fmt: skip
