"""Whose code, and what counts: claims know when they were received and whether the code proves its owner, links
when they count as shared; registrations whether they are confirmed, held, and stand. Claims and opens are keyed by
event and conference."""

from typing import Any

from django.db import migrations, models

from meeteasy.core.fields import KeyField


def fill(apps: Any, schema_editor: Any) -> None:
    slash = "strpos" if schema_editor.connection.vendor == "postgresql" else "instr"
    conference = f"substr(link_key, 1, {slash}(link_key, '/') - 1)"
    schema_editor.execute(f"UPDATE sharing_shareopen SET id = id || '/' || {conference}")
    schema_editor.execute(
        "INSERT INTO sharing_shareclaim (id, link_key, ms, received_ms, sharer, parent_key, channel, target_url, "
        "label, is_minted, is_proven, is_automatic, is_bot) "
        f"SELECT event_id || '/' || {conference}, link_key, ms, ms, sharer, parent_key, channel, target_url, "
        "label, is_minted, false, false, is_bot FROM sharing_oldclaim"
    )
    schema_editor.execute("UPDATE sharing_sharelink SET received_ms = first_ms, shared_ms = first_ms")
    schema_editor.execute("DELETE FROM sharing_notcredited WHERE reason = 'too_many_opens'")
    schema_editor.execute(
        "UPDATE sharing_shareregistration SET is_confirmed = true WHERE event_id LIKE 'own:%'"
    )


class Migration(migrations.Migration):
    dependencies = [("sharing", "0008_terms_of_the_field")]

    operations = [
        migrations.RenameField("ShareOpen", "event_id", "id"),
        migrations.AlterField(
            "ShareOpen", "id",
            KeyField(max_length=145, primary_key=True, serialize=False, verbose_name="event"),
        ),
        migrations.AlterField(
            "ShareOpen", "is_early",
            models.BooleanField(
                default=False, help_text="It came, or happened, before its link was known to be shared."
            ),
        ),
        # Django cannot change a table's key, so there is a new table.
        migrations.RemoveConstraint("ShareClaim", "one_claim_per_event"),
        migrations.RemoveIndex("ShareClaim", "claim_first_parent"),
        migrations.RenameModel("ShareClaim", "OldClaim"),
        migrations.CreateModel(
            name="ShareClaim",
            fields=[
                ("id", KeyField(max_length=145, primary_key=True, serialize=False, verbose_name="event")),
                ("link_key", KeyField(max_length=130, verbose_name="link")),
                ("ms", models.BigIntegerField()),
                ("received_ms", models.BigIntegerField()),
                ("sharer", KeyField(max_length=80, verbose_name="sharer")),
                ("parent_key", KeyField(blank=True, max_length=130, verbose_name="parent")),
                ("channel", models.CharField(blank=True, max_length=512, verbose_name="channel")),
                ("target_url", models.CharField(blank=True, max_length=2048, verbose_name="target")),
                ("label", models.CharField(blank=True, max_length=200, verbose_name="label")),
                ("is_minted", models.BooleanField(default=False, verbose_name="minted here")),
                (
                    "is_proven",
                    models.BooleanField(
                        default=False, help_text="The code itself shows that it was made for this visitor.",
                        verbose_name="proven",
                    ),
                ),
                (
                    "is_automatic",
                    models.BooleanField(
                        default=False, help_text="For its address bar; nobody has shared it yet.",
                        verbose_name="made by the browser only",
                    ),
                ),
                ("is_bot", models.BooleanField(default=False, verbose_name="bot")),
            ],
            options={
                "verbose_name": "claim to a share link", "verbose_name_plural": "claims to share links",
            },
        ),
        migrations.RemoveIndex("ShareLink", "link_level"),
        migrations.RemoveIndex("ShareLink", "link_first_shared"),
        migrations.RemoveField("ShareLink", "parent_ms"),
        migrations.RemoveField("ShareLink", "parent_event_id"),
        migrations.AddField(
            "ShareLink", "is_proven",
            models.BooleanField(
                default=False, help_text="The code itself shows that it was made for its sharer.",
                verbose_name="proven",
            ),
        ),
        migrations.AddField(
            "ShareLink", "is_automatic",
            models.BooleanField(
                default=False,
                help_text=(
                    "Its sharer's browser made it for its address bar. It counts as shared once another "
                    "visitor opens it."
                ),
                verbose_name="made by the browser only",
            ),
        ),
        migrations.AddField("ShareLink", "received_ms", models.BigIntegerField(default=0)),
        migrations.AddField("ShareLink", "shared_ms", models.BigIntegerField(null=True)),
        migrations.AddField("ShareLink", "first_open_ms", models.BigIntegerField(null=True)),
        migrations.AddField("ShareLink", "first_opener", KeyField(blank=True, default="", max_length=80)),
        migrations.AddField("ShareLink", "second_open_ms", models.BigIntegerField(null=True)),
        migrations.AddField("ShareLink", "second_opener", KeyField(blank=True, default="", max_length=80)),
        migrations.AddField("ShareLink", "is_void", models.BooleanField(default=False, verbose_name="voided")),
        migrations.AddField(
            "ShareRegistration", "form_digest", KeyField(blank=True, default="", max_length=16)
        ),
        migrations.AddField(
            "ShareRegistration", "is_confirmed",
            models.BooleanField(
                default=False,
                help_text="By our own form, an import or a secret key; otherwise a client reported it.",
                verbose_name="confirmed",
            ),
        ),
        migrations.AddField(
            "ShareRegistration", "is_held",
            models.BooleanField(
                default=False, help_text="Reported beyond the quota, until an organizer decides.",
                verbose_name="held",
            ),
        ),
        migrations.AlterField(
            "ShareRegistration", "is_trusted",
            models.BooleanField(
                default=True,
                help_text="Confirmed, or reported while the conference trusted what clients report.",
                verbose_name="trusted",
            ),
        ),
        migrations.CreateModel(
            name="RegistrationStanding",
            fields=[
                ("id", KeyField(max_length=130, primary_key=True, serialize=False)),
                ("state_version", models.PositiveIntegerField(default=0)),
                ("is_withdrawn", models.BooleanField(default=False, verbose_name="withdrawn")),
                ("void_version", models.PositiveIntegerField(default=0)),
                ("is_void", models.BooleanField(default=False, verbose_name="voided")),
            ],
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]  # fmt: skip
