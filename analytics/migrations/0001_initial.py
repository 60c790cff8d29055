from django.db import migrations, models

import conferences.validators
import meeteasy.core.fields


class Migration(migrations.Migration):
    initial = True
    # What made the databases before the first release, which this one takes over.
    replaces = [
        ("analytics", "0001_events_and_summaries"),
        ("analytics", "0002_fact_sweeps_and_trust"),
        ("analytics", "0003_time_before_subject_in_day_index"),
        ("analytics", "0004_no_index_for_like_on_postgresql"),
        ("analytics", "0005_index_oldest_marks_and_waiting_dead_letters"),
        ("analytics", "0006_terms_of_the_field"),
        ("analytics", "0007_plainer_help_texts"),
        ("analytics", "0008_zone_version"),
        ("analytics", "0009_natural_keys_and_holds"),
        ("analytics", "0010_door_rules"),
        ("analytics", "0011_held_reports"),
        ("analytics", "0012_ids_of_own_events"),
        ("analytics", "0013_required_origin"),
        ("analytics", "0014_index_what_counts"),
        ("analytics", "0015_context_of_events"),
        ("analytics", "0016_segments"),
        ("analytics", "0017_index_stale_segments"),
        ("analytics", "0018_read_only_views"),
    ]

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="ReadOnlyView",
            fields=[
                (
                    "id",
                    meeteasy.core.fields.KeyField(
                        db_column="_id",
                        editable=False,
                        max_length=64,
                        primary_key=True,
                        serialize=False,
                        verbose_name="SHA-256",
                    ),
                ),
                ("conference_id", models.CharField(max_length=64, verbose_name="conference")),
                (
                    "name",
                    models.CharField(
                        help_text="E.g. “sponsors”. Only members see it.",
                        max_length=100,
                        validators=[conferences.validators.validate_single_line],
                        verbose_name="for whom",
                    ),
                ),
                ("created_at", models.DateTimeField(verbose_name="created at")),
                ("created_by", models.CharField(max_length=150, verbose_name="created by")),
                ("expires_at", models.DateTimeField(verbose_name="expires at")),
                ("revoked_at", models.DateTimeField(blank=True, null=True, verbose_name="revoked at")),
            ],
            options={
                "verbose_name": "read-only view",
                "verbose_name_plural": "read-only views",
                "ordering": ["-created_at", "id"],
                "indexes": [
                    models.Index(fields=["conference_id", "created_at"], name="view_conference_created")
                ],
            },
        ),
        migrations.CreateModel(
            name="Segment",
            fields=[
                ("id", models.CharField(db_column="_id", max_length=96, primary_key=True, serialize=False)),
                ("conference_id", models.CharField(max_length=64)),
                ("date", models.DateField()),
                ("version", models.CharField(max_length=32)),
                ("name", models.CharField(max_length=255)),
                ("digest", models.CharField(max_length=32)),
                ("computations", models.BigIntegerField()),
                ("evening_computations", models.BigIntegerField()),
                ("evening", models.CharField(max_length=32)),
                ("rows", models.BigIntegerField()),
                ("built_at", models.DateTimeField()),
                ("build_ms", models.BigIntegerField()),
                ("is_stale", models.BooleanField(default=False)),
                ("change", models.CharField(default="", max_length=32)),
            ],
            options={
                "indexes": [
                    models.Index(fields=["conference_id", "date"], name="segment_conference_date"),
                    models.Index(
                        condition=models.Q(("is_stale", True)),
                        fields=["is_stale", "built_at"],
                        name="segment_stale",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Event",
            fields=[
                (
                    "id",
                    meeteasy.core.fields.KeyField(
                        db_column="_id", max_length=160, primary_key=True, serialize=False
                    ),
                ),
                ("conference_id", models.CharField(max_length=64, verbose_name="conference")),
                ("type", models.CharField(max_length=64, verbose_name="type")),
                ("ts", models.DateTimeField(verbose_name="event time")),
                ("received_at", models.DateTimeField(verbose_name="received at")),
                (
                    "local_date",
                    models.DateField(
                        help_text="The conference's own day; empty while there is no conference with this id.",
                        null=True,
                        verbose_name="local date",
                    ),
                ),
                ("visitor_id", models.CharField(blank=True, max_length=64, verbose_name="visitor")),
                ("session_id", models.CharField(blank=True, max_length=64, verbose_name="session")),
                ("subject", models.CharField(max_length=64, verbose_name="subject")),
                ("is_bot", models.BooleanField(default=False, verbose_name="bot")),
                ("is_attendance", models.BooleanField(default=False, verbose_name="of a registration")),
                ("data", models.JSONField(default=dict, verbose_name="own fields")),
                ("properties", models.JSONField(default=dict, verbose_name="properties")),
                (
                    "hold",
                    models.CharField(
                        blank=True,
                        choices=[("", "no"), ("held", "held"), ("void", "void")],
                        default="",
                        max_length=8,
                        verbose_name="hold",
                    ),
                ),
                ("context", models.JSONField(null=True, verbose_name="context")),
            ],
            options={
                "verbose_name": "event",
                "verbose_name_plural": "events",
                "indexes": [
                    models.Index(
                        fields=["conference_id", "local_date", "is_bot", "type", "ts", "subject"],
                        name="event_day_figures",
                    ),
                    models.Index(
                        condition=models.Q(("hold", ""), ("is_attendance", True), ("is_bot", False)),
                        fields=["conference_id", "subject"],
                        name="event_of_registration",
                    ),
                    models.Index(
                        condition=models.Q(("hold", ""), ("is_bot", False), ("type", "registration")),
                        fields=["conference_id", "visitor_id"],
                        name="event_registration_visitor",
                    ),
                    models.Index(
                        condition=models.Q(("hold__gt", "")),
                        fields=["conference_id", "id", "hold"],
                        name="event_held",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="HeldReport",
            fields=[],
            options={
                "verbose_name": "held report",
                "verbose_name_plural": "held reports",
                "proxy": True,
            },
            bases=("analytics.event",),
        ),
        migrations.CreateModel(
            name="DirtyDay",
            fields=[
                ("id", models.CharField(db_column="_id", max_length=64, primary_key=True, serialize=False)),
                ("conference_id", models.CharField(max_length=64, verbose_name="conference")),
                ("local_date", models.DateField(null=True, verbose_name="local date")),
                ("marked_at", models.DateTimeField(verbose_name="marked at")),
            ],
            options={
                "verbose_name": "dirty day",
                "verbose_name_plural": "dirty days",
                "indexes": [
                    models.Index(fields=["conference_id", "local_date"], name="dirtyday_conference_date"),
                    models.Index(fields=["marked_at"], name="dirtyday_marked"),
                ],
            },
        ),
        migrations.CreateModel(
            name="DailySummary",
            fields=[
                ("id", models.CharField(db_column="_id", max_length=96, primary_key=True, serialize=False)),
                ("conference_id", models.CharField(max_length=64, verbose_name="conference")),
                ("date", models.DateField(verbose_name="date")),
                ("figures", models.JSONField(default=dict, verbose_name="figures")),
                (
                    "revision",
                    models.PositiveIntegerField(
                        default=1,
                        help_text="Rises by one whenever a figure changes.",
                        verbose_name="revision",
                    ),
                ),
                ("computations", models.PositiveIntegerField(default=1, verbose_name="computations")),
                ("computed_at", models.DateTimeField(verbose_name="computed at")),
                (
                    "closed_at",
                    models.DateTimeField(
                        help_text="When the day was computed for the last time, after its end.",
                        null=True,
                        verbose_name="closed at",
                    ),
                ),
            ],
            options={
                "verbose_name": "daily summary",
                "verbose_name_plural": "daily summaries",
                "indexes": [models.Index(fields=["conference_id", "date"], name="summary_conference_date")],
            },
        ),
        migrations.CreateModel(
            name="AppliedSettings",
            fields=[
                (
                    "conference_id",
                    models.CharField(db_column="_id", max_length=64, primary_key=True, serialize=False),
                ),
                ("time_zone", models.CharField(max_length=64)),
                ("zone_version", models.CharField(default="", max_length=16)),
                ("trusts_clients", models.BooleanField(default=True)),
            ],
        ),
        migrations.CreateModel(
            name="OwnEventSweep",
            fields=[
                ("kind", models.CharField(db_column="_id", max_length=64, primary_key=True, serialize=False)),
                ("complete_until", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="UnclaimedConference",
            fields=[
                (
                    "conference_id",
                    models.CharField(
                        db_column="_id",
                        max_length=64,
                        primary_key=True,
                        serialize=False,
                        verbose_name="conference id",
                    ),
                ),
                ("first_seen_at", models.DateTimeField(verbose_name="first seen at")),
            ],
            options={
                "verbose_name": "unknown conference",
                "verbose_name_plural": "unknown conferences",
            },
        ),
        migrations.CreateModel(
            name="DoorRules",
            fields=[
                (
                    "conference_id",
                    models.CharField(
                        db_column="_id",
                        max_length=64,
                        primary_key=True,
                        serialize=False,
                        verbose_name="conference",
                    ),
                ),
                (
                    "allowed_origins",
                    models.JSONField(
                        blank=True,
                        default=list,
                        help_text="Pages that may send events, like https://example.org. Empty: all.",
                        verbose_name="allowed origins",
                    ),
                ),
                (
                    "origin_required",
                    models.BooleanField(
                        default=False,
                        help_text="Refuse events that name no page's origin: of server-side SDKs and scripts.",
                        verbose_name="pages only",
                    ),
                ),
                (
                    "blocked_networks",
                    models.JSONField(
                        blank=True,
                        default=list,
                        help_text="Ranges like 192.0.2.0/24 whose events are refused.",
                        verbose_name="blocked address ranges",
                    ),
                ),
                (
                    "blocked_pages",
                    models.JSONField(
                        blank=True,
                        default=list,
                        help_text="Patterns like /preview/* of pages whose views are refused.",
                        verbose_name="blocked pages",
                    ),
                ),
            ],
            options={
                "verbose_name": "rules of the event door",
                "verbose_name_plural": "rules of the event door",
            },
        ),
        migrations.CreateModel(
            name="DeadLetter",
            fields=[
                ("id", models.CharField(db_column="_id", max_length=160, primary_key=True, serialize=False)),
                ("entry_id", models.CharField(max_length=64, verbose_name="stream entry")),
                ("version", models.CharField(max_length=16, verbose_name="format version")),
                ("payload", models.BinaryField(verbose_name="payload")),
                ("event_count", models.PositiveIntegerField(null=True, verbose_name="events")),
                ("error", models.TextField(verbose_name="error")),
                ("deliveries", models.PositiveIntegerField(verbose_name="deliveries")),
                ("created_at", models.DateTimeField(verbose_name="created at")),
                ("replayed_at", models.DateTimeField(null=True, verbose_name="replayed at")),
            ],
            options={
                "verbose_name": "dead letter",
                "verbose_name_plural": "dead letters",
                "ordering": ["-created_at"],
                "indexes": [models.Index(fields=["replayed_at"], name="deadletter_replayed")],
            },
        ),
        migrations.CreateModel(
            name="HoldDecision",
            fields=[
                ("attempts", models.PositiveIntegerField(default=0, editable=False, verbose_name="attempts")),
                ("lease_token", models.CharField(blank=True, default="", editable=False, max_length=32)),
                (
                    "lease_until",
                    models.DateTimeField(blank=True, editable=False, null=True, verbose_name="lease until"),
                ),
                ("id", models.CharField(db_column="_id", max_length=64, primary_key=True, serialize=False)),
                ("conference_id", models.CharField(max_length=64, verbose_name="conference")),
                (
                    "action",
                    models.CharField(
                        choices=[("release", "release"), ("void", "void")],
                        max_length=8,
                        verbose_name="decision",
                    ),
                ),
                (
                    "is_for_all",
                    models.BooleanField(default=False, verbose_name="for all that were held by then"),
                ),
                ("keys", models.JSONField(default=list, verbose_name="events")),
                ("reason", models.CharField(blank=True, max_length=500, verbose_name="reason")),
                ("decided_by", models.CharField(max_length=150, verbose_name="decided by")),
                ("decided_at", models.DateTimeField(verbose_name="decided at")),
                ("done_at", models.DateTimeField(null=True, verbose_name="carried out at")),
                ("event_count", models.PositiveIntegerField(default=0, verbose_name="events")),
            ],
            options={
                "verbose_name": "decision about held reports",
                "verbose_name_plural": "decisions about held reports",
                "indexes": [
                    models.Index(fields=["done_at"], name="holddecision_done"),
                    models.Index(fields=["conference_id", "decided_at"], name="holddecision_conference"),
                ],
            },
        ),
    ]
