"""Sums of credits: a row for all credit models, and quarter hours in a table of their own. A tick counts them."""

from django.db import migrations, models

from meeteasy.core.fields import KeyField


class Migration(migrations.Migration):
    dependencies = [("sharing", "0001_initial")]

    operations = [
        migrations.DeleteModel(name="CreditSum"),
        migrations.CreateModel(
            name="CreditSum",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "conference_id", "kind", "name",
                        blank=True, editable=False, primary_key=True, serialize=False,
                    ),
                ),
                ("conference_id", KeyField(max_length=64)),
                ("kind", KeyField(max_length=8)),
                ("name", KeyField(max_length=512)),
                ("credits", models.IntegerField()),
                ("registrations", models.IntegerField()),
                ("direct", models.IntegerField()),
                *((f"units_{column}", models.BigIntegerField(db_default=0)) for column in range(1, 9)),
            ],
            options={
                "indexes": [
                    models.Index(
                        fields=["conference_id", "kind", f"-units_{column}", "name"],
                        name=f"credit_rank_{column}",
                    )
                    for column in range(1, 9)
                ]
            },
        ),
        migrations.CreateModel(
            name="QuarterSum",
            fields=[
                ("id", KeyField(max_length=603, primary_key=True, serialize=False)),
                ("units", models.TextField()),
                ("credits", models.IntegerField()),
                ("registrations", models.IntegerField()),
                ("direct", models.IntegerField()),
            ],
        ),
        migrations.RunSQL(
            "INSERT INTO sharing_stalesums (conference_id) SELECT DISTINCT conference_id FROM sharing_sharelink "
            "WHERE conference_id NOT IN (SELECT conference_id FROM sharing_stalesums)",
            migrations.RunSQL.noop,
        ),
    ]  # fmt: skip
