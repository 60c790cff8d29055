import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import meeteasy.core.fields
import meeteasy.core.slices


class Migration(migrations.Migration):
    initial = True
    # What made the databases before the first release, which this one takes over.
    replaces = [
        ("conversion", "0001_conversion_jobs"),
    ]

    dependencies = [
        ("auth", "__first__"),
        ("conferences", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="ConversionJob",
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
                    "conference",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="conversions",
                        to="conferences.conference",
                        verbose_name="conference",
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("queued", "queued"),
                            ("running", "running"),
                            ("done", "done"),
                            ("failed", "failed"),
                            ("removing", "being removed"),
                        ],
                        default="queued",
                        max_length=10,
                        verbose_name="status",
                    ),
                ),
                ("file_name", models.CharField(max_length=255, verbose_name="file name")),
                ("input_path", meeteasy.core.fields.KeyField(editable=False, max_length=200)),
                ("input_sha256", models.CharField(max_length=64, verbose_name="SHA-256 of the file")),
                ("input_bytes", models.PositiveBigIntegerField(verbose_name="size of the file")),
                (
                    "kind",
                    models.CharField(blank=True, default="", max_length=16, verbose_name="type of the file"),
                ),
                ("target", models.CharField(max_length=32, verbose_name="converted into")),
                ("parameters", models.JSONField(blank=True, default=dict, verbose_name="parameters")),
                (
                    "output_path",
                    meeteasy.core.fields.KeyField(
                        blank=True, db_index=True, default="", editable=False, max_length=200
                    ),
                ),
                (
                    "between_path",
                    meeteasy.core.fields.KeyField(
                        blank=True, db_index=True, default="", editable=False, max_length=200
                    ),
                ),
                (
                    "output_bytes",
                    models.PositiveBigIntegerField(default=0, verbose_name="size of the result"),
                ),
                ("facts", models.JSONField(blank=True, default=dict, verbose_name="facts")),
                ("pages_done", models.PositiveIntegerField(default=0, verbose_name="pages done")),
                ("pages_total", models.PositiveIntegerField(default=0, verbose_name="pages in all")),
                ("error_code", models.CharField(blank=True, default="", max_length=32, verbose_name="error")),
                ("error_details", models.JSONField(blank=True, default=dict, verbose_name="error details")),
                ("failures", models.PositiveIntegerField(default=0, editable=False)),
                (
                    "due_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, editable=False, verbose_name="due at"
                    ),
                ),
                ("rung_at", models.DateTimeField(blank=True, editable=False, null=True)),
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
                (
                    "created_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, editable=False, verbose_name="created at"
                    ),
                ),
                ("started_at", models.DateTimeField(blank=True, null=True, verbose_name="started at")),
                ("finished_at", models.DateTimeField(blank=True, null=True, verbose_name="finished at")),
                ("seconds", models.JSONField(blank=True, default=dict, verbose_name="seconds")),
            ],
            options={
                "verbose_name": "conversion",
                "verbose_name_plural": "conversions",
                "ordering": ["-id"],
                "indexes": [
                    models.Index(fields=["conference", "-id"], name="conversion_list"),
                    models.Index(fields=["status", "due_at"], name="conversion_due"),
                    models.Index(fields=["status", "finished_at"], name="conversion_finished"),
                ],
            },
        ),
    ]
