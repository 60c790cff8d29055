"""Sums of credits, and what their indexes need. A tick counts the sums."""

from typing import Any

from django.db import migrations, models

from meeteasy.core.fields import KeyField
from meeteasy.core.folding import fold


def fill(apps: Any, schema_editor: Any) -> None:
    schema_editor.execute(
        "UPDATE sharing_credit SET "
        "sharer = COALESCE((SELECT sharer FROM sharing_sharelink WHERE id = link_id), ''), "
        "channel = COALESCE((SELECT channel FROM sharing_sharelink WHERE id = link_id), '')"
    )
    schema_editor.execute(
        "UPDATE sharing_notcredited SET "
        "conference_id = COALESCE((SELECT r.conference_id FROM sharing_shareregistration r "
        "WHERE r.id = registration_id), ''), "
        "registered_ms = COALESCE((SELECT r.ms FROM sharing_shareregistration r WHERE r.id = registration_id), 0)"
    )
    schema_editor.execute(
        "INSERT INTO sharing_stalesums (conference_id) SELECT DISTINCT conference_id FROM sharing_sharelink"
    )
    links = apps.get_model("sharing", "ShareLink").objects
    for key, label in list(links.exclude(label="").values_list("id", "label")):
        links.filter(id=key).update(search_label=fold(label))


class Migration(migrations.Migration):
    dependencies = [("sharing", "0013_reported_conversions")]

    operations = [
        migrations.CreateModel(
            name="ChannelCount",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "conference_id", "channel", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("conference_id", KeyField(max_length=64)),
                ("channel", KeyField(max_length=512)),
                ("links", models.IntegerField()),
                ("opens", models.BigIntegerField()),
                ("openers", models.BigIntegerField()),
            ],
        ),
        migrations.CreateModel(
            name="CreditSum",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "conference_id", "kind", "model", "span", "name",
                        blank=True, editable=False, primary_key=True, serialize=False,
                    ),
                ),
                ("conference_id", KeyField(max_length=64)),
                ("kind", KeyField(max_length=8)),
                ("model", KeyField(max_length=50)),
                ("span", models.BigIntegerField()),
                ("name", KeyField(max_length=512)),
                ("units", models.BigIntegerField()),
                ("credits", models.IntegerField()),
                ("registrations", models.IntegerField()),
                ("direct", models.IntegerField()),
            ],
        ),
        migrations.CreateModel(
            name="StaleSums",
            fields=[("conference_id", KeyField(max_length=64, primary_key=True, serialize=False))],
        ),
        migrations.AddField(
            "Credit", "channel",
            KeyField(blank=True, default="", max_length=512, verbose_name="channel"), preserve_default=False,
        ),
        migrations.AddField(
            "Credit", "sharer",
            KeyField(default="", max_length=80, verbose_name="sharer"), preserve_default=False,
        ),
        migrations.AddField(
            "NotCredited", "conference_id",
            KeyField(default="", max_length=64, verbose_name="conference"), preserve_default=False,
        ),
        migrations.AddField(
            "NotCredited", "registered_ms", models.BigIntegerField(default=0), preserve_default=False
        ),
        migrations.AddField("ShareLink", "search_label", models.TextField(default="", editable=False)),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]  # fmt: skip
