import django.utils.timezone
from django.db import migrations, models

import meeteasy.core.fields
import notifications.models


class Migration(migrations.Migration):
    initial = True
    # What made the databases before the first release, which this one takes over.
    replaces = [
        ("notifications", "0001_outbox_suppressions_and_mailbox"),
        ("notifications", "0002_rendered_when_sent"),
        ("notifications", "0003_announced_cancellations"),
        ("notifications", "0004_mailings"),
    ]

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Notification",
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
                        default=notifications.models.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("message_type", models.CharField(max_length=64, verbose_name="message type")),
                ("channel", models.CharField(max_length=16, verbose_name="channel")),
                (
                    "recipient",
                    models.CharField(
                        help_text="Email address or E.164 number.", max_length=320, verbose_name="recipient"
                    ),
                ),
                ("facts", models.JSONField(blank=True, default=dict, verbose_name="facts")),
                ("language", models.CharField(default="en", max_length=16, verbose_name="language")),
                ("conference_id", models.CharField(max_length=64, verbose_name="conference")),
                (
                    "registration_id",
                    models.CharField(blank=True, default="", max_length=64, verbose_name="registration"),
                ),
                ("mailing_id", models.UUIDField(blank=True, editable=False, null=True)),
                ("dedupe_key", models.CharField(max_length=200, unique=True)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("queued", "queued"),
                            ("sending", "sending"),
                            ("sent", "sent"),
                            ("delivered", "delivered"),
                            ("bounced", "bounced"),
                            ("failed", "failed"),
                            ("suppressed", "suppressed"),
                            ("unknown", "unknown"),
                        ],
                        default="queued",
                        max_length=16,
                        verbose_name="status",
                    ),
                ),
                (
                    "scheduled_for",
                    models.DateTimeField(
                        default=django.utils.timezone.now,
                        help_text="The message is not sent, retried or looked up before this time.",
                        verbose_name="scheduled for",
                    ),
                ),
                (
                    "on_request",
                    models.BooleanField(default=False, editable=False, verbose_name="sent on request"),
                ),
                ("rung_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("called_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("resends", models.PositiveIntegerField(default=0, editable=False)),
                (
                    "provider",
                    models.CharField(blank=True, default="", max_length=64, verbose_name="provider"),
                ),
                (
                    "provider_id",
                    models.CharField(
                        blank=True, db_index=True, default="", max_length=200, verbose_name="provider's id"
                    ),
                ),
                ("last_error", models.TextField(blank=True, default="", verbose_name="last error")),
                ("sent_text", models.TextField(blank=True, default="", verbose_name="text as sent")),
                (
                    "created_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, editable=False, verbose_name="created at"
                    ),
                ),
                ("updated_at", models.DateTimeField(auto_now=True, verbose_name="updated at")),
                ("sent_at", models.DateTimeField(blank=True, null=True, verbose_name="sent at")),
                ("delivered_at", models.DateTimeField(blank=True, null=True, verbose_name="delivered at")),
            ],
            options={
                "verbose_name": "notification",
                "verbose_name_plural": "notifications",
                "ordering": ["-id"],
                "indexes": [
                    models.Index(fields=["channel", "status", "scheduled_for"], name="notification_due"),
                    models.Index(
                        fields=["registration_id", "message_type"], name="notification_registration"
                    ),
                    models.Index(fields=["conference_id", "-id"], name="notification_list"),
                    models.Index(
                        condition=models.Q(("mailing_id__isnull", False)),
                        fields=["mailing_id", "status"],
                        name="notification_mailing",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Suppression",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("channel", models.CharField(max_length=16, verbose_name="channel")),
                ("address", models.CharField(max_length=320, verbose_name="address")),
                (
                    "scope",
                    models.CharField(
                        choices=[("all", "all messages"), ("reminders", "reminders")],
                        max_length=16,
                        verbose_name="scope",
                    ),
                ),
                (
                    "conference_id",
                    models.CharField(
                        blank=True,
                        default="",
                        help_text="Leave empty for all conferences.",
                        max_length=64,
                        verbose_name="conference",
                    ),
                ),
                (
                    "reason",
                    models.CharField(
                        choices=[
                            ("bounced", "bounced"),
                            ("complained", "complained"),
                            ("unsubscribed", "unsubscribed"),
                            ("operator", "by an operator"),
                        ],
                        max_length=16,
                        verbose_name="reason",
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created at")),
            ],
            options={
                "verbose_name": "suppressed address",
                "verbose_name_plural": "suppressed addresses",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("channel", "address", "scope", "conference_id"),
                        name="one_suppression_per_address",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="MailboxMessage",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("channel", models.CharField(max_length=16)),
                ("recipient", models.CharField(max_length=320)),
                ("conference_id", models.CharField(blank=True, default="", max_length=64)),
                ("subject", models.TextField(blank=True, default="")),
                ("raw", models.BinaryField()),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="ReminderRound",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("conference_id", models.CharField(max_length=64)),
                ("channel", models.CharField(max_length=16)),
                ("hours_before", models.PositiveIntegerField()),
                ("starts_at", models.DateTimeField()),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("conference_id", "channel", "hours_before", "starts_at"),
                        name="one_reminder_round",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Announcement",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=notifications.models.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("conference_id", models.CharField(db_index=True, max_length=64, verbose_name="conference")),
                (
                    "kind",
                    models.CharField(
                        choices=[("moved", "new date or place"), ("cancelled", "cancelled")],
                        max_length=16,
                        verbose_name="kind",
                    ),
                ),
                ("facts_sha256", models.CharField(editable=False, max_length=64)),
                (
                    "created_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, editable=False, verbose_name="created at"
                    ),
                ),
                (
                    "created_by",
                    models.CharField(blank=True, editable=False, max_length=150, verbose_name="created by"),
                ),
                (
                    "position",
                    meeteasy.core.fields.KeyField(blank=True, default="", editable=False, max_length=32),
                ),
                ("written", models.PositiveIntegerField(default=0, editable=False, verbose_name="messages")),
                (
                    "finished_at",
                    models.DateTimeField(blank=True, editable=False, null=True, verbose_name="finished at"),
                ),
            ],
            options={
                "verbose_name": "announcement",
                "verbose_name_plural": "announcements",
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="Mailing",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=notifications.models.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("conference_id", models.CharField(max_length=64, verbose_name="conference")),
                ("texts", models.JSONField(default=dict, verbose_name="texts")),
                ("selection", models.JSONField(default=dict, verbose_name="selection")),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("draft", "draft"),
                            ("planned", "planned"),
                            ("written", "on its way"),
                            ("stopped", "stopped"),
                        ],
                        default="draft",
                        max_length=10,
                        verbose_name="status",
                    ),
                ),
                ("scheduled_for", models.DateTimeField(blank=True, null=True, verbose_name="scheduled for")),
                (
                    "created_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, editable=False, verbose_name="created at"
                    ),
                ),
                ("created_by", models.CharField(editable=False, max_length=150, verbose_name="created by")),
                (
                    "planned_by",
                    models.CharField(blank=True, editable=False, max_length=150, verbose_name="planned by"),
                ),
                (
                    "stopped_by",
                    models.CharField(blank=True, editable=False, max_length=150, verbose_name="stopped by"),
                ),
                (
                    "position",
                    meeteasy.core.fields.KeyField(blank=True, default="", editable=False, max_length=32),
                ),
                ("written", models.PositiveIntegerField(default=0, editable=False, verbose_name="messages")),
                (
                    "finished_at",
                    models.DateTimeField(blank=True, editable=False, null=True, verbose_name="finished at"),
                ),
            ],
            options={
                "verbose_name": "message to registrants",
                "verbose_name_plural": "messages to registrants",
                "ordering": ["-id"],
                "indexes": [
                    models.Index(fields=["conference_id", "-id"], name="mailing_list"),
                    models.Index(
                        condition=models.Q(("status", "planned")),
                        fields=["scheduled_for"],
                        name="mailing_due",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="CalendarRevision",
            fields=[
                ("conference_id", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("sequence", models.PositiveIntegerField(default=0)),
                ("facts_sha256", models.CharField(max_length=64)),
            ],
        ),
        migrations.CreateModel(
            name="Outage",
            fields=[
                ("channel", models.CharField(max_length=16, primary_key=True, serialize=False)),
                ("since", models.DateTimeField()),
                ("paused_until", models.DateTimeField()),
                ("failures", models.PositiveIntegerField(default=1)),
                ("needs_attention", models.BooleanField(default=False)),
                ("met_by", models.CharField(blank=True, default="", max_length=320)),
                ("error", models.TextField(blank=True, default="")),
            ],
        ),
    ]
