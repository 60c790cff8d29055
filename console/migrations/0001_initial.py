import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import console.models


class Migration(migrations.Migration):
    initial = True
    # What made the databases before the first release, which this one takes over.
    replaces = [
        ("console", "0001_invitations_and_organizer_mails"),
        ("console", "0002_digests"),
    ]

    dependencies = [
        ("auth", "__first__"),
        ("conferences", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="Invitation",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=console.models.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "conference",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="invitations",
                        to="conferences.conference",
                        verbose_name="conference",
                    ),
                ),
                ("email", models.CharField(max_length=254, verbose_name="mail")),
                (
                    "role",
                    models.CharField(
                        choices=[
                            ("owner", "owner"),
                            ("helper", "helper"),
                            ("steward", "steward"),
                            ("viewer", "viewer"),
                        ],
                        max_length=10,
                        verbose_name="role",
                    ),
                ),
                (
                    "invited_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="invited by",
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(default=django.utils.timezone.now, verbose_name="created at"),
                ),
                ("expires_at", models.DateTimeField(verbose_name="expires at")),
                ("accepted_at", models.DateTimeField(null=True, verbose_name="accepted at")),
            ],
            options={
                "verbose_name": "invitation",
                "verbose_name_plural": "invitations",
                "ordering": ["created_at", "id"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("accepted_at", None)),
                        fields=("conference", "email"),
                        name="one_open_invitation",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Digest",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "member",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="digest",
                        to="conferences.member",
                        verbose_name="member",
                    ),
                ),
                (
                    "period",
                    models.CharField(
                        choices=[("daily", "every day"), ("weekly", "every week")],
                        max_length=8,
                        verbose_name="how often",
                    ),
                ),
                ("language", models.CharField(max_length=16, verbose_name="language")),
                ("since", models.DateTimeField(default=django.utils.timezone.now, verbose_name="since")),
                ("written_until", models.DateField(editable=False, null=True)),
            ],
            options={
                "verbose_name": "mail digest",
                "verbose_name_plural": "mail digests",
            },
        ),
        migrations.CreateModel(
            name="OrganizerMail",
            fields=[
                ("attempts", models.PositiveIntegerField(default=0, editable=False, verbose_name="attempts")),
                ("lease_token", models.CharField(blank=True, default="", editable=False, max_length=32)),
                (
                    "lease_until",
                    models.DateTimeField(blank=True, editable=False, null=True, verbose_name="lease until"),
                ),
                (
                    "id",
                    models.UUIDField(
                        default=console.models.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("kind", models.CharField(max_length=32, verbose_name="kind")),
                ("recipient", models.CharField(max_length=254, verbose_name="recipient")),
                ("language", models.CharField(max_length=16, verbose_name="language")),
                ("about", models.CharField(max_length=64)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("queued", "queued"),
                            ("sending", "sending"),
                            ("sent", "sent"),
                            ("dropped", "not needed any more"),
                            ("failed", "failed"),
                        ],
                        default="queued",
                        max_length=16,
                        verbose_name="status",
                    ),
                ),
                (
                    "scheduled_for",
                    models.DateTimeField(default=django.utils.timezone.now, verbose_name="scheduled for"),
                ),
                ("called_at", models.DateTimeField(editable=False, null=True)),
                (
                    "created_at",
                    models.DateTimeField(default=django.utils.timezone.now, verbose_name="created at"),
                ),
                ("sent_at", models.DateTimeField(null=True, verbose_name="sent at")),
                ("last_error", models.TextField(blank=True, default="", verbose_name="last error")),
            ],
            options={
                "verbose_name": "mail to an organizer",
                "verbose_name_plural": "mails to organizers",
                "ordering": ["-id"],
                "indexes": [models.Index(fields=["status", "scheduled_for"], name="organizer_mail_due")],
            },
        ),
    ]
