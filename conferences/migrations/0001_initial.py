import django.core.validators
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import conferences.models.conference
import conferences.models.receipt
import conferences.models.registration
import conferences.questions
import conferences.validators
import meeteasy.core.fields
import meeteasy.core.slices


class Migration(migrations.Migration):
    initial = True
    # What made the databases before the first release, which this one takes over.
    replaces = [
        ("conferences", "0001_conference_and_member"),
        ("conferences", "0002_registrations_and_checkins"),
        ("conferences", "0003_erased_visitors"),
        ("conferences", "0004_standing_and_receipts"),
        ("conferences", "0005_waiting_lists_scans_and_jobs"),
        ("conferences", "0006_fill_recorded_at_and_search_text"),
        ("conferences", "0007_names_of_foreign_keys"),
        ("conferences", "0008_questions_and_tagline"),
        ("conferences", "0009_standing_of_older_registrations"),
        ("conferences", "0010_stewards_archiving_and_deletion"),
        ("conferences", "0011_event_keys_and_aliases"),
        ("conferences", "0012_cancelled_at"),
        ("conferences", "0013_exports"),
        ("conferences", "0014_retention"),
        ("conferences", "0015_passages_and_desk_settings"),
    ]

    dependencies = [
        ("auth", "__first__"),
    ]

    operations = [
        migrations.CreateModel(
            name="Conference",
            fields=[
                (
                    "id",
                    models.CharField(
                        help_text="Part of the public address, e.g. abc123. It cannot be changed later.",
                        max_length=64,
                        primary_key=True,
                        serialize=False,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[A-Za-z0-9](?:[A-Za-z0-9_-]*[A-Za-z0-9])?\\Z",
                                "Letters, digits, “-” and “_”, beginning and ending with a letter or digit.",
                            )
                        ],
                    ),
                ),
                (
                    "name",
                    models.CharField(
                        max_length=200,
                        validators=[conferences.validators.validate_single_line],
                        verbose_name="name",
                    ),
                ),
                (
                    "venue",
                    models.CharField(
                        blank=True,
                        max_length=300,
                        validators=[conferences.validators.validate_single_line],
                        verbose_name="venue",
                    ),
                ),
                (
                    "time_zone",
                    models.CharField(
                        default="UTC",
                        help_text="IANA name, e.g. Asia/Shanghai. Changing it recomputes all days.",
                        max_length=64,
                        validators=[conferences.validators.validate_time_zone],
                        verbose_name="time zone",
                    ),
                ),
                ("starts_at", models.DateTimeField(blank=True, null=True, verbose_name="starts at")),
                ("ends_at", models.DateTimeField(blank=True, null=True, verbose_name="ends at")),
                (
                    "cancelled_at",
                    models.DateTimeField(
                        blank=True,
                        editable=False,
                        help_text="Set: the conference does not take place, and its form is closed.",
                        null=True,
                        verbose_name="cancelled at",
                    ),
                ),
                (
                    "registration_opens_at",
                    models.DateTimeField(
                        blank=True,
                        help_text="Empty: it is open at once.",
                        null=True,
                        verbose_name="registration opens at",
                    ),
                ),
                (
                    "registration_closes_at",
                    models.DateTimeField(
                        blank=True,
                        help_text="Empty: it closes when the conference ends.",
                        null=True,
                        verbose_name="registration closes at",
                    ),
                ),
                (
                    "capacity",
                    models.PositiveIntegerField(
                        blank=True,
                        help_text="How many pending and approved registrations there may be. Empty: any number.",
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(2147483647),
                        ],
                        verbose_name="capacity",
                    ),
                ),
                (
                    "waiting_list",
                    models.BooleanField(
                        default=True,
                        help_text="Once all places are taken, people can join a waiting list; places that become free go to those who have waited longest.",
                        verbose_name="waiting list",
                    ),
                ),
                (
                    "languages",
                    models.JSONField(
                        default=conferences.models.conference.default_languages,
                        help_text='E.g. ["zh-hans", "en"]. Attendees who prefer another language get the first one.',
                        validators=[conferences.validators.validate_languages],
                        verbose_name="languages",
                    ),
                ),
                (
                    "phone_region",
                    models.CharField(
                        blank=True,
                        help_text="The country of phone numbers without a leading “+”. Empty: such numbers are refused.",
                        max_length=2,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[A-Z]{2}\\Z", "Two capital letters, e.g. CN."
                            )
                        ],
                        verbose_name="phone region",
                    ),
                ),
                (
                    "tagline",
                    models.CharField(
                        blank=True,
                        help_text="One sentence for the event page and its previews in messengers.",
                        max_length=300,
                        validators=[conferences.validators.validate_single_line],
                        verbose_name="tagline",
                    ),
                ),
                (
                    "questions",
                    models.JSONField(
                        blank=True,
                        default=list,
                        help_text="What the registration form asks besides name, mail and phone.",
                        validators=[conferences.questions.validate_questions],
                        verbose_name="questions",
                    ),
                ),
                (
                    "approval_required",
                    models.BooleanField(
                        default=False,
                        help_text="Registrations wait for a member's decision.",
                        verbose_name="approval required",
                    ),
                ),
                (
                    "trust_client_registrations",
                    models.BooleanField(
                        default=True,
                        help_text="Also count registrations and check-ins that browsers and other systems report, not only those that this server recorded itself.",
                        verbose_name="trust client-reported registrations",
                    ),
                ),
                (
                    "event_key_required",
                    models.BooleanField(
                        default=False,
                        help_text="Take events from outside only with a key of this conference.",
                        verbose_name="event key required",
                    ),
                ),
                (
                    "attribution_window_days",
                    models.PositiveSmallIntegerField(
                        default=30,
                        help_text="How many days before registering a visitor may have opened the share link.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(365),
                        ],
                        verbose_name="attribution window in days",
                    ),
                ),
                (
                    "reminder_hours_before",
                    models.JSONField(
                        blank=True,
                        default=conferences.models.conference.default_reminder_hours,
                        help_text="Hours before the start, e.g. [24, 2]. An empty list sends none.",
                        validators=[conferences.validators.validate_reminder_hours],
                        verbose_name="reminders",
                    ),
                ),
                (
                    "quiet_from",
                    models.TimeField(
                        blank=True,
                        help_text="Local time from which reminders wait, e.g. 22:00.",
                        null=True,
                        verbose_name="quiet from",
                    ),
                ),
                ("quiet_until", models.TimeField(blank=True, null=True, verbose_name="quiet until")),
                (
                    "keep_events_days",
                    models.PositiveSmallIntegerField(
                        editable=False,
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(30),
                            django.core.validators.MaxValueValidator(3650),
                        ],
                        verbose_name="keep events for days",
                    ),
                ),
                (
                    "keep_messages_days",
                    models.PositiveSmallIntegerField(
                        editable=False,
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(30),
                            django.core.validators.MaxValueValidator(3650),
                        ],
                        verbose_name="keep messages for days",
                    ),
                ),
                (
                    "keep_files_days",
                    models.PositiveSmallIntegerField(
                        editable=False,
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(3650),
                        ],
                        verbose_name="keep files for days",
                    ),
                ),
                ("retention_set_at", models.DateTimeField(editable=False, null=True)),
                ("events_deleted_before", models.DateField(editable=False, null=True)),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created at")),
                ("archived_at", models.DateTimeField(editable=False, null=True, verbose_name="archived at")),
                (
                    "delete_at",
                    models.DateTimeField(editable=False, null=True, verbose_name="will be deleted at"),
                ),
                ("revision", models.PositiveIntegerField(default=0, editable=False)),
            ],
            options={
                "verbose_name": "conference",
                "verbose_name_plural": "conferences",
                "ordering": ["-created_at", "id"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("id__contains", "/"), _negated=True),
                        name="no_slash_in_conference_id",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="DeletedConference",
            fields=[
                ("id", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("deleted_at", models.DateTimeField()),
                ("cleaned_at", models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name="Member",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "conference",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="members",
                        to="conferences.conference",
                        verbose_name="conference",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="memberships",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="user",
                    ),
                ),
                (
                    "role",
                    models.CharField(
                        choices=[
                            ("owner", "owner"),
                            ("helper", "helper"),
                            ("steward", "steward"),
                            ("viewer", "viewer"),
                        ],
                        default="viewer",
                        max_length=10,
                        verbose_name="role",
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created at")),
            ],
            options={
                "verbose_name": "member",
                "verbose_name_plural": "members",
                "constraints": [
                    models.UniqueConstraint(fields=("conference", "user"), name="one_role_per_member")
                ],
            },
        ),
        migrations.CreateModel(
            name="Registration",
            fields=[
                (
                    "id",
                    models.CharField(
                        default=conferences.models.registration.new_id,
                        editable=False,
                        max_length=32,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "conference",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="registrations",
                        to="conferences.conference",
                        verbose_name="conference",
                    ),
                ),
                (
                    "name",
                    models.CharField(
                        max_length=200,
                        validators=[conferences.validators.validate_single_line],
                        verbose_name="full name",
                    ),
                ),
                ("email", models.CharField(max_length=254, verbose_name="mail")),
                (
                    "phone",
                    models.CharField(
                        blank=True,
                        help_text="E.164, e.g. +8613800138000",
                        max_length=16,
                        verbose_name="phone",
                    ),
                ),
                ("language", models.CharField(default="en", max_length=16, verbose_name="language")),
                ("form_id", models.CharField(default="default", max_length=64, verbose_name="form")),
                ("answers", models.JSONField(blank=True, default=dict, verbose_name="answers")),
                (
                    "source",
                    models.CharField(
                        choices=[("form", "public form"), ("import", "import")],
                        default="form",
                        max_length=10,
                        verbose_name="source",
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("waiting", "on the waiting list"),
                            ("pending", "pending"),
                            ("approved", "approved"),
                            ("rejected", "rejected"),
                            ("cancelled", "cancelled"),
                        ],
                        default="pending",
                        max_length=10,
                        verbose_name="state",
                    ),
                ),
                ("visitor_id", models.CharField(blank=True, max_length=64, verbose_name="visitor")),
                ("share_code", models.CharField(blank=True, max_length=64, verbose_name="share code")),
                ("search_text", models.TextField(blank=True, default="", editable=False)),
                ("registered_at", models.DateTimeField(verbose_name="registered at")),
                (
                    "decided_at",
                    models.DateTimeField(
                        blank=True,
                        help_text="When the state last changed.",
                        null=True,
                        verbose_name="decided at",
                    ),
                ),
                (
                    "decided_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="decided by",
                    ),
                ),
                ("standing_version", models.PositiveIntegerField(default=0, editable=False)),
                ("standing_changed_at", models.DateTimeField(editable=False, null=True)),
            ],
            options={
                "verbose_name": "registration",
                "verbose_name_plural": "registrations",
                "ordering": ["-registered_at", "-id"],
                "indexes": [
                    models.Index(fields=["conference", "-registered_at", "-id"], name="registration_list"),
                    models.Index(fields=["conference", "state"], name="registration_state"),
                    models.Index(fields=["conference", "email"], name="registration_mail"),
                    models.Index(
                        condition=models.Q(("visitor_id", ""), _negated=True),
                        fields=["conference", "visitor_id"],
                        name="registration_visitor",
                    ),
                    models.Index(fields=["registered_at"], name="registration_time"),
                    models.Index(
                        condition=models.Q(("standing_changed_at__isnull", False)),
                        fields=["standing_changed_at"],
                        name="registration_standing",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("state", "cancelled"), _negated=True),
                        fields=("conference", "email"),
                        name="one_registration_per_mail",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="CheckIn",
            fields=[
                (
                    "id",
                    models.CharField(
                        default=conferences.models.registration.new_id,
                        editable=False,
                        max_length=32,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "registration",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="check_ins",
                        to="conferences.registration",
                        verbose_name="registration",
                    ),
                ),
                ("method", models.CharField(max_length=32, verbose_name="method")),
                ("gate", models.CharField(blank=True, max_length=100, verbose_name="gate or device")),
                ("checked_in_at", models.DateTimeField(verbose_name="checked in at")),
                (
                    "recorded_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now,
                        help_text="When this server stored the scan.",
                        verbose_name="recorded at",
                    ),
                ),
                (
                    "checked_in_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="checked in by",
                    ),
                ),
                ("undone_at", models.DateTimeField(blank=True, null=True, verbose_name="undone at")),
                (
                    "undone_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="undone by",
                    ),
                ),
                (
                    "superseded_by",
                    models.OneToOneField(
                        blank=True,
                        help_text="An earlier scan that arrived later.",
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="supersedes",
                        to="conferences.checkin",
                        verbose_name="superseded by",
                    ),
                ),
            ],
            options={
                "verbose_name": "check-in",
                "verbose_name_plural": "check-ins",
                "ordering": ["-checked_in_at", "-id"],
                "indexes": [
                    models.Index(fields=["recorded_at"], name="check_in_recorded"),
                    models.Index(fields=["undone_at"], name="check_in_undone"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("undone_at", None)),
                        fields=("registration",),
                        name="one_active_check_in",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Passage",
            fields=[
                (
                    "id",
                    models.CharField(
                        default=conferences.models.registration.new_id,
                        editable=False,
                        max_length=32,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "registration",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="passages",
                        to="conferences.registration",
                        verbose_name="registration",
                    ),
                ),
                (
                    "direction",
                    models.CharField(
                        choices=[("in", "entry"), ("out", "exit")], max_length=3, verbose_name="direction"
                    ),
                ),
                ("gate", models.CharField(blank=True, max_length=100, verbose_name="gate or device")),
                ("passed_at", models.DateTimeField(verbose_name="passed at")),
                (
                    "recorded_at",
                    models.DateTimeField(default=django.utils.timezone.now, verbose_name="recorded at"),
                ),
                (
                    "scanned_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="scanned by",
                    ),
                ),
                (
                    "check_in",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="passage",
                        to="conferences.checkin",
                        verbose_name="check-in",
                    ),
                ),
                ("undone_at", models.DateTimeField(blank=True, null=True, verbose_name="undone at")),
            ],
            options={
                "verbose_name": "passage",
                "verbose_name_plural": "passages",
                "ordering": ["-passed_at", "-id"],
                "indexes": [
                    models.Index(fields=["registration", "passed_at"], name="passage_of_registration"),
                    models.Index(fields=["passed_at"], name="passage_time"),
                ],
            },
        ),
        migrations.CreateModel(
            name="DeskSettings",
            fields=[
                (
                    "conference",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="desk_settings",
                        serialize=False,
                        to="conferences.conference",
                        verbose_name="conference",
                    ),
                ),
                ("gates", models.JSONField(blank=True, default=list, verbose_name="gates")),
                (
                    "shown_questions",
                    models.JSONField(blank=True, default=list, verbose_name="answers shown at the door"),
                ),
                ("names_offline", models.BooleanField(default=False, verbose_name="names on the devices")),
            ],
            options={
                "verbose_name": "desk settings",
                "verbose_name_plural": "desk settings",
            },
        ),
        migrations.CreateModel(
            name="ErasedVisitor",
            fields=[
                ("digest", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("conference_id", models.CharField(db_index=True, max_length=64, verbose_name="conference")),
                ("replacement", models.CharField(max_length=64, verbose_name="replacement")),
            ],
            options={
                "verbose_name": "erased visitor",
                "verbose_name_plural": "erased visitors",
            },
        ),
        migrations.CreateModel(
            name="ExportJob",
            fields=[
                ("attempts", models.PositiveIntegerField(default=0, editable=False, verbose_name="attempts")),
                ("lease_token", models.CharField(blank=True, default="", editable=False, max_length=32)),
                (
                    "lease_until",
                    models.DateTimeField(blank=True, editable=False, null=True, verbose_name="lease until"),
                ),
                (
                    "id",
                    meeteasy.core.fields.KeyField(
                        default=meeteasy.core.slices.new_job_id,
                        editable=False,
                        max_length=32,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("queued", "queued"),
                            ("running", "running"),
                            ("done", "done"),
                            ("cancelled", "cancelled"),
                            ("failed", "failed"),
                        ],
                        default="queued",
                        max_length=10,
                        verbose_name="status",
                    ),
                ),
                ("total", models.PositiveIntegerField(default=0, verbose_name="total")),
                ("done", models.PositiveIntegerField(default=0, verbose_name="done")),
                (
                    "position",
                    meeteasy.core.fields.KeyField(blank=True, default="", editable=False, max_length=64),
                ),
                ("cancel_requested", models.BooleanField(default=False, editable=False)),
                ("failures", models.PositiveIntegerField(default=0, editable=False)),
                ("error", models.TextField(blank=True, default="", verbose_name="error")),
                (
                    "created_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, editable=False, verbose_name="created at"
                    ),
                ),
                ("rung_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("finished_at", models.DateTimeField(blank=True, null=True, verbose_name="finished at")),
                (
                    "conference",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="export_jobs",
                        to="conferences.conference",
                        verbose_name="conference",
                    ),
                ),
                ("export", models.CharField(max_length=50, verbose_name="export")),
                ("format", models.CharField(max_length=5, verbose_name="format")),
                ("role", models.CharField(max_length=10, verbose_name="role")),
                ("parameters", models.JSONField(default=dict, verbose_name="parameters")),
                ("cursor", models.TextField(default="", editable=False)),
                ("size", models.PositiveBigIntegerField(default=0, verbose_name="bytes")),
                ("is_deleted", models.BooleanField(default=False, verbose_name="file deleted")),
                (
                    "created_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="started by",
                    ),
                ),
            ],
            options={
                "verbose_name": "export",
                "verbose_name_plural": "exports",
                "ordering": ["-id"],
                "indexes": [
                    models.Index(fields=["conference", "-id"], name="export_list"),
                    models.Index(fields=["status", "rung_at"], name="export_waiting"),
                ],
            },
        ),
        migrations.CreateModel(
            name="IdempotencyKey",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "conference",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="conferences.conference",
                    ),
                ),
                ("scope", models.CharField(max_length=32)),
                ("key", models.CharField(max_length=255, verbose_name="key")),
                ("body_sha256", models.CharField(max_length=64)),
                ("status", models.PositiveSmallIntegerField(verbose_name="HTTP status")),
                ("answer", models.JSONField(verbose_name="answer")),
                ("created_at", models.DateTimeField(db_index=True, verbose_name="created at")),
            ],
            options={
                "verbose_name": "idempotency key",
                "verbose_name_plural": "idempotency keys",
                "constraints": [
                    models.UniqueConstraint(fields=("conference", "scope", "key"), name="one_answer_per_key")
                ],
            },
        ),
        migrations.CreateModel(
            name="Job",
            fields=[
                ("attempts", models.PositiveIntegerField(default=0, editable=False, verbose_name="attempts")),
                ("lease_token", models.CharField(blank=True, default="", editable=False, max_length=32)),
                (
                    "lease_until",
                    models.DateTimeField(blank=True, editable=False, null=True, verbose_name="lease until"),
                ),
                (
                    "id",
                    meeteasy.core.fields.KeyField(
                        default=meeteasy.core.slices.new_job_id,
                        editable=False,
                        max_length=32,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("queued", "queued"),
                            ("running", "running"),
                            ("done", "done"),
                            ("cancelled", "cancelled"),
                            ("failed", "failed"),
                        ],
                        default="queued",
                        max_length=10,
                        verbose_name="status",
                    ),
                ),
                ("total", models.PositiveIntegerField(default=0, verbose_name="total")),
                ("done", models.PositiveIntegerField(default=0, verbose_name="done")),
                (
                    "position",
                    meeteasy.core.fields.KeyField(blank=True, default="", editable=False, max_length=64),
                ),
                ("cancel_requested", models.BooleanField(default=False, editable=False)),
                ("failures", models.PositiveIntegerField(default=0, editable=False)),
                ("error", models.TextField(blank=True, default="", verbose_name="error")),
                (
                    "created_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, editable=False, verbose_name="created at"
                    ),
                ),
                ("rung_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("finished_at", models.DateTimeField(blank=True, null=True, verbose_name="finished at")),
                (
                    "conference",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="jobs",
                        to="conferences.conference",
                        verbose_name="conference",
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[("import", "import"), ("decision", "decision")],
                        max_length=10,
                        verbose_name="kind",
                    ),
                ),
                ("arguments", models.JSONField(default=dict)),
                ("content", models.BinaryField(default=b"")),
                ("counts", models.JSONField(default=dict, verbose_name="counts")),
                ("errors", models.JSONField(default=list, verbose_name="errors")),
                ("warnings", models.JSONField(default=list, verbose_name="warnings")),
                (
                    "created_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="started by",
                    ),
                ),
            ],
            options={
                "verbose_name": "job",
                "verbose_name_plural": "jobs",
                "ordering": ["-id"],
                "indexes": [
                    models.Index(fields=["conference", "-id"], name="job_list"),
                    models.Index(fields=["status", "rung_at"], name="job_waiting"),
                ],
            },
        ),
        migrations.CreateModel(
            name="RegistrationReceipt",
            fields=[
                (
                    "receipt",
                    meeteasy.core.fields.KeyField(
                        default=conferences.models.receipt.new_receipt,
                        max_length=26,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "registration",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="receipts",
                        to="conferences.registration",
                    ),
                ),
                ("created_at", models.DateTimeField(db_index=True, verbose_name="created at")),
            ],
            options={
                "verbose_name": "receipt",
                "verbose_name_plural": "receipts",
            },
        ),
        migrations.CreateModel(
            name="EventKey",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "conference",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="event_keys",
                        to="conferences.conference",
                        verbose_name="conference",
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("write", "write key: public, for pages and apps"),
                            ("secret", "secret key: for servers, whose events are confirmed"),
                        ],
                        max_length=8,
                        verbose_name="kind",
                    ),
                ),
                (
                    "name",
                    models.CharField(
                        help_text="Where it is used, e.g. “ticket shop”.",
                        max_length=100,
                        validators=[conferences.validators.validate_single_line],
                        verbose_name="name",
                    ),
                ),
                ("prefix", models.CharField(editable=False, max_length=80, verbose_name="begins with")),
                (
                    "digest",
                    meeteasy.core.fields.KeyField(
                        editable=False, max_length=64, unique=True, verbose_name="SHA-256"
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created at")),
                (
                    "created_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="created by",
                    ),
                ),
                (
                    "last_used_at",
                    models.DateTimeField(
                        blank=True, help_text="To about a minute.", null=True, verbose_name="last used at"
                    ),
                ),
                ("revoked_at", models.DateTimeField(blank=True, null=True, verbose_name="revoked at")),
            ],
            options={
                "verbose_name": "event key",
                "verbose_name_plural": "event keys",
                "ordering": ["-created_at", "-id"],
            },
        ),
        migrations.CreateModel(
            name="Alias",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "conference",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="aliases",
                        to="conferences.conference",
                        verbose_name="conference",
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[("domain", "domain (Plausible)"), ("website", "website id (Umami)")],
                        max_length=8,
                        verbose_name="kind",
                    ),
                ),
                (
                    "name",
                    meeteasy.core.fields.KeyField(
                        help_text="A domain like example.org, or a website id like 0199d3a8-6f5e-7c1a-9b7e-0a4f6d2c8e10.",
                        max_length=253,
                        verbose_name="name",
                    ),
                ),
                ("proof", models.CharField(editable=False, max_length=64, verbose_name="proof")),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created at")),
                (
                    "created_by",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="created by",
                    ),
                ),
                (
                    "verified_at",
                    models.DateTimeField(blank=True, editable=False, null=True, verbose_name="verified at"),
                ),
                ("check_requested_at", models.DateTimeField(editable=False, null=True)),
                ("check_attempts", models.PositiveSmallIntegerField(default=0, editable=False)),
                (
                    "check_problem",
                    models.CharField(blank=True, editable=False, max_length=300, verbose_name="last check"),
                ),
            ],
            options={
                "verbose_name": "alias",
                "verbose_name_plural": "aliases",
                "ordering": ["name", "id"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("check_requested_at__isnull", False)),
                        fields=["check_requested_at"],
                        name="alias_check_requested",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("conference", "name"), name="alias_once_per_conference"),
                    models.UniqueConstraint(
                        condition=models.Q(("verified_at__isnull", False)),
                        fields=("name",),
                        name="alias_of_one_conference",
                    ),
                ],
            },
        ),
    ]
