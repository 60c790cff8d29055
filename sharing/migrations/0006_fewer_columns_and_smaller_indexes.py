"""What is written for each event of a share, made smaller: credits are known by what they are of, opens by
their link alone, and the index of claimed parents has those links only that are still without one."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("sharing", "0005_first_parents_of_an_owner_by_index")]
    operations = [
        # Django cannot change a table's key to one of several columns, so there is a new table.
        migrations.RenameModel(old_name="Credit", new_name="CreditWithId"),
        migrations.CreateModel(
            name="Credit",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "conversion_id", "distance", "link_id",
                        blank=True, editable=False, primary_key=True, serialize=False,
                    ),
                ),
                (
                    "distance",
                    models.PositiveIntegerField(
                        help_text="Place in the chain: 1 is the link that was opened, 2 its parent.",
                        verbose_name="distance",
                    ),
                ),
                ("age_ms", models.BigIntegerField()),
                (
                    "conversion",
                    models.ForeignKey(
                        db_constraint=False, db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="credits", to="sharing.shareconversion", verbose_name="conversion",
                    ),
                ),
                (
                    "link",
                    models.ForeignKey(
                        db_constraint=False, db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="credits", to="sharing.sharelink", verbose_name="link",
                    ),
                ),
            ],
            options={"verbose_name": "credit", "verbose_name_plural": "credits"},
        ),
        migrations.RunSQL(
            "INSERT INTO sharing_credit (conversion_id, link_id, distance, age_ms) "
            "SELECT conversion_id, link_id, distance, age_ms FROM sharing_creditwithid",
            migrations.RunSQL.noop,
        ),
        migrations.DeleteModel(name="CreditWithId"),
        migrations.RemoveField(model_name="shareopen", name="conference_id"),
        migrations.RemoveIndex(model_name="sharelink", name="link_sharer"),
        migrations.RemoveIndex(model_name="sharelink", name="link_claimed_parent"),
        migrations.AddIndex(
            model_name="sharelink",
            index=models.Index(
                condition=models.Q(("claimed_parent__gt", ""), ("parent", None)),
                fields=["claimed_parent"], name="link_orphan",
            ),
        ),
    ]  # fmt: skip
