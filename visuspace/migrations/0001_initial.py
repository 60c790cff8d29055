import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import conferences.models.registration
import conferences.validators


class Migration(migrations.Migration):
    initial = True
    # What made the databases before the first release, which this one takes over.
    replaces = [
        ("visuspace", "0001_pages_and_program"),
        ("visuspace", "0002_pictures"),
    ]

    dependencies = [
        ("auth", "__first__"),
        ("conferences", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="Picture",
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
                        related_name="pictures",
                        to="conferences.conference",
                        verbose_name="conference",
                    ),
                ),
                ("file_name", models.CharField(max_length=255, verbose_name="file name")),
                ("conversion_id", models.CharField(blank=True, db_index=True, editable=False, max_length=32)),
                ("content", models.BinaryField(default=b"")),
                ("width", models.PositiveIntegerField(default=0, verbose_name="width")),
                ("height", models.PositiveIntegerField(default=0, verbose_name="height")),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created at")),
                (
                    "created_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="uploaded by",
                    ),
                ),
            ],
            options={
                "verbose_name": "picture",
                "verbose_name_plural": "pictures",
                "ordering": ["-id"],
                "indexes": [models.Index(fields=["conference", "-id"], name="picture_list")],
            },
        ),
        migrations.CreateModel(
            name="Speaker",
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
                        related_name="speakers",
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
                (
                    "affiliation",
                    models.CharField(
                        blank=True,
                        help_text="Company, university or role.",
                        max_length=200,
                        validators=[conferences.validators.validate_single_line],
                        verbose_name="affiliation",
                    ),
                ),
                (
                    "position",
                    models.PositiveSmallIntegerField(
                        default=0, help_text="Smaller numbers come first.", verbose_name="position"
                    ),
                ),
            ],
            options={
                "verbose_name": "speaker",
                "verbose_name_plural": "speakers",
                "ordering": ["position", "id"],
                "indexes": [models.Index(fields=["conference", "position", "id"], name="speaker_list")],
            },
        ),
        migrations.CreateModel(
            name="Session",
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
                        related_name="sessions",
                        to="conferences.conference",
                        verbose_name="conference",
                    ),
                ),
                (
                    "title",
                    models.CharField(
                        max_length=300,
                        validators=[conferences.validators.validate_single_line],
                        verbose_name="title",
                    ),
                ),
                ("starts_at", models.DateTimeField(verbose_name="starts at")),
                ("ends_at", models.DateTimeField(blank=True, null=True, verbose_name="ends at")),
                (
                    "room",
                    models.CharField(
                        blank=True,
                        max_length=200,
                        validators=[conferences.validators.validate_single_line],
                        verbose_name="room",
                    ),
                ),
                (
                    "speakers",
                    models.ManyToManyField(
                        blank=True, related_name="sessions", to="visuspace.speaker", verbose_name="speakers"
                    ),
                ),
            ],
            options={
                "verbose_name": "session",
                "verbose_name_plural": "sessions",
                "ordering": ["starts_at", "id"],
                "indexes": [models.Index(fields=["conference", "starts_at", "id"], name="session_list")],
            },
        ),
        migrations.CreateModel(
            name="Page",
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
                        related_name="pages",
                        to="conferences.conference",
                        verbose_name="conference",
                    ),
                ),
                ("language", models.CharField(max_length=16, verbose_name="language")),
                ("published_at", models.DateTimeField(blank=True, null=True, verbose_name="published at")),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created at")),
            ],
            options={
                "verbose_name": "event page",
                "verbose_name_plural": "event pages",
                "ordering": ["conference", "language"],
                "constraints": [
                    models.UniqueConstraint(fields=("conference", "language"), name="one_page_per_language")
                ],
            },
        ),
        migrations.CreateModel(
            name="Revision",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "page",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="revisions",
                        to="visuspace.page",
                        verbose_name="page",
                    ),
                ),
                ("number", models.PositiveIntegerField(verbose_name="number")),
                ("blocks", models.JSONField(verbose_name="blocks")),
                (
                    "source",
                    models.CharField(
                        choices=[("generated", "generated"), ("edited", "edited"), ("restored", "restored")],
                        max_length=10,
                        verbose_name="source",
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
            ],
            options={
                "verbose_name": "revision",
                "verbose_name_plural": "revisions",
                "ordering": ["-number"],
                "constraints": [
                    models.UniqueConstraint(fields=("page", "number"), name="one_revision_per_number")
                ],
            },
        ),
        migrations.CreateModel(
            name="GenerationJob",
            fields=[
                ("attempts", models.PositiveIntegerField(default=0, editable=False, verbose_name="attempts")),
                ("lease_token", models.CharField(blank=True, default="", editable=False, max_length=32)),
                (
                    "lease_until",
                    models.DateTimeField(blank=True, editable=False, null=True, verbose_name="lease until"),
                ),
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
                    "page",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="jobs",
                        to="visuspace.page",
                        verbose_name="page",
                    ),
                ),
                ("key", models.CharField(editable=False, max_length=64, unique=True)),
                ("prompt", models.TextField(blank=True, verbose_name="prompt")),
                ("provider", models.CharField(max_length=40, verbose_name="provider")),
                ("model", models.CharField(blank=True, max_length=200, verbose_name="model")),
                ("generation", models.PositiveIntegerField(default=1, verbose_name="generation")),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("queued", "queued"),
                            ("running", "running"),
                            ("done", "done"),
                            ("failed", "failed"),
                        ],
                        default="queued",
                        max_length=10,
                        verbose_name="status",
                    ),
                ),
                ("due_at", models.DateTimeField(help_text="Not before this.", verbose_name="due at")),
                ("called_at", models.DateTimeField(blank=True, null=True, verbose_name="called at")),
                (
                    "revision",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="visuspace.revision",
                        verbose_name="revision",
                    ),
                ),
                ("error_code", models.CharField(blank=True, max_length=40, verbose_name="error")),
                ("error_message", models.TextField(blank=True, verbose_name="error message")),
                ("tokens_in", models.PositiveIntegerField(default=0, verbose_name="tokens read")),
                ("tokens_out", models.PositiveIntegerField(default=0, verbose_name="tokens written")),
                (
                    "cost",
                    models.DecimalField(decimal_places=6, default=0, max_digits=12, verbose_name="cost"),
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
                ("finished_at", models.DateTimeField(blank=True, null=True, verbose_name="finished at")),
            ],
            options={
                "verbose_name": "generation job",
                "verbose_name_plural": "generation jobs",
                "ordering": ["-id"],
                "indexes": [
                    models.Index(fields=["status", "due_at"], name="generation_waiting"),
                    models.Index(fields=["page", "-id"], name="generation_list"),
                ],
            },
        ),
        migrations.AddField(
            model_name="page",
            name="published",
            field=models.ForeignKey(
                blank=True,
                help_text="Empty: visitors see the plain page.",
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="visuspace.revision",
                verbose_name="published",
            ),
        ),
        migrations.AddField(
            model_name="page",
            name="draft",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="visuspace.revision",
                verbose_name="draft",
            ),
        ),
    ]
