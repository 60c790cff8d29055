"""Decisions of organizers; what further transactions still have to derive, and to add to totals."""

from django.db import migrations, models

from meeteasy.core.fields import KeyField


class Migration(migrations.Migration):
    dependencies = [("sharing", "0010_indexes_of_claims_and_shared_links")]

    operations = [
        migrations.CreateModel(
            name="StaleRegistration",
            fields=[
                ("id", KeyField(max_length=130, primary_key=True, serialize=False)),
                ("conference_id", KeyField(db_index=True, max_length=64)),
            ],
        ),
        migrations.CreateModel(
            name="PendingTotal",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("conference_id", KeyField(db_index=True, max_length=64)),
                ("link_id", KeyField(max_length=130)),
                ("links", models.IntegerField()),
                ("conversions", models.IntegerField()),
            ],
        ),
        migrations.CreateModel(
            name="Void",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("conference_id", KeyField(max_length=64, verbose_name="conference")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("registration", "registration"), ("link", "share link"), ("sharer", "sharer"),
                        ],
                        max_length=16, verbose_name="kind",
                    ),
                ),
                ("key", KeyField(max_length=80, verbose_name="what")),
                ("reason", models.CharField(max_length=500, verbose_name="reason")),
                ("voided_by", models.CharField(max_length=150, verbose_name="voided by")),
                ("voided_at", models.DateTimeField(verbose_name="voided at")),
                ("undone_by", models.CharField(blank=True, max_length=150, verbose_name="undone by")),
                ("undone_at", models.DateTimeField(null=True, verbose_name="undone at")),
                ("version", models.PositiveIntegerField()),
                ("changed_at", models.DateTimeField(db_index=True)),
                (
                    "is_applied",
                    models.BooleanField(
                        default=False, help_text="False: a worker still has to change the links.",
                        verbose_name="carried out",
                    ),
                ),
            ],
            options={
                "verbose_name": "void", "verbose_name_plural": "voids", "ordering": ["-id"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("is_applied", False)), fields=["id"], name="void_to_apply"
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("undone_at__isnull", True)),
                        fields=("conference_id", "kind", "key"), name="one_void_at_a_time",
                    )
                ],
            },
        ),
    ]  # fmt: skip
