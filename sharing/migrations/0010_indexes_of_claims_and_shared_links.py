"""Indexes of the columns that 0009 filled; PostgreSQL makes them in a transaction of their own."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("sharing", "0009_whose_code_and_what_counts")]

    operations = [
        migrations.DeleteModel("OldClaim"),
        migrations.AddIndex(
            "ShareClaim",
            models.Index(fields=["link_key", "sharer", "ms"], name="claim_sharer_time"),
        ),
        migrations.AddIndex(
            "ShareLink",
            models.Index(
                condition=models.Q(("shared_ms__isnull", False)),
                fields=["conference_id", "parent", "-subtree_conversions", "id"], name="link_level",
            ),
        ),
        migrations.AddIndex(
            "ShareLink",
            models.Index(
                condition=models.Q(("parent__isnull", False)), fields=["parent"], name="link_parent"
            ),
        ),
        migrations.AddIndex(
            "ShareLink",
            models.Index(
                condition=models.Q(("shared_ms__isnull", False)),
                fields=["conference_id", "shared_ms", "is_void"], name="link_shared",
            ),
        ),
    ]  # fmt: skip
