import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import meeteasy.core.fields


class Migration(migrations.Migration):
    initial = True
    # What made the databases before the first release, which this one takes over.
    replaces = [
        ("sharing", "0001_links_conversions_and_credits"),
        ("sharing", "0002_room_for_counters_on_postgresql"),
        ("sharing", "0003_opens_keyed_by_their_events"),
        ("sharing", "0004_links_found_by_code"),
        ("sharing", "0005_first_parents_of_an_owner_by_index"),
        ("sharing", "0006_fewer_columns_and_smaller_indexes"),
        ("sharing", "0007_keys_compare_by_code_points"),
        ("sharing", "0008_terms_of_the_field"),
        ("sharing", "0009_whose_code_and_what_counts"),
        ("sharing", "0010_indexes_of_claims_and_shared_links"),
        ("sharing", "0011_voids_and_bounded_transactions"),
        ("sharing", "0012_ids_of_own_events"),
        ("sharing", "0013_reported_conversions"),
        ("sharing", "0014_sums_of_credits"),
        ("sharing", "0015_indexes_of_sums"),
    ]

    dependencies = [
        ("auth", "__first__"),
    ]

    operations = [
        migrations.CreateModel(
            name="ShareClaim",
            fields=[
                (
                    "id",
                    meeteasy.core.fields.KeyField(
                        max_length=145, primary_key=True, serialize=False, verbose_name="event"
                    ),
                ),
                ("link_key", meeteasy.core.fields.KeyField(max_length=130, verbose_name="link")),
                ("ms", models.BigIntegerField()),
                ("received_ms", models.BigIntegerField()),
                ("sharer", meeteasy.core.fields.KeyField(max_length=80, verbose_name="sharer")),
                (
                    "parent_key",
                    meeteasy.core.fields.KeyField(blank=True, max_length=130, verbose_name="parent"),
                ),
                ("channel", models.CharField(blank=True, max_length=512, verbose_name="channel")),
                ("target_url", models.CharField(blank=True, max_length=2048, verbose_name="target")),
                ("label", models.CharField(blank=True, max_length=200, verbose_name="label")),
                ("is_minted", models.BooleanField(default=False, verbose_name="minted here")),
                (
                    "is_proven",
                    models.BooleanField(
                        default=False,
                        help_text="The code itself shows that it was made for this visitor.",
                        verbose_name="proven",
                    ),
                ),
                (
                    "is_automatic",
                    models.BooleanField(
                        default=False,
                        help_text="For its address bar; nobody has shared it yet.",
                        verbose_name="made by the browser only",
                    ),
                ),
                ("is_bot", models.BooleanField(default=False, verbose_name="bot")),
            ],
            options={
                "verbose_name": "claim to a share link",
                "verbose_name_plural": "claims to share links",
                "indexes": [models.Index(fields=["link_key", "sharer", "ms"], name="claim_sharer_time")],
            },
        ),
        migrations.CreateModel(
            name="ShareOpen",
            fields=[
                (
                    "id",
                    meeteasy.core.fields.KeyField(
                        max_length=145, primary_key=True, serialize=False, verbose_name="event"
                    ),
                ),
                ("link_key", meeteasy.core.fields.KeyField(max_length=130, verbose_name="link")),
                ("visitor", meeteasy.core.fields.KeyField(max_length=80, verbose_name="visitor")),
                ("ms", models.BigIntegerField()),
                ("is_bot", models.BooleanField(default=False, verbose_name="bot")),
                (
                    "is_early",
                    models.BooleanField(
                        default=False,
                        help_text="It came, or happened, before its link was known to be shared.",
                    ),
                ),
                ("chain_digest", models.CharField(blank=True, max_length=16)),
            ],
            options={
                "verbose_name": "opened share link",
                "verbose_name_plural": "opened share links",
                "indexes": [
                    models.Index(fields=["visitor"], name="open_visitor"),
                    models.Index(
                        condition=models.Q(("is_early", True)), fields=["link_key"], name="open_early"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ShareRegistration",
            fields=[
                ("id", meeteasy.core.fields.KeyField(max_length=130, primary_key=True, serialize=False)),
                ("conference_id", meeteasy.core.fields.KeyField(max_length=64, verbose_name="conference")),
                ("ms", models.BigIntegerField()),
                ("event_id", meeteasy.core.fields.KeyField(max_length=80, verbose_name="event")),
                ("visitor", meeteasy.core.fields.KeyField(blank=True, max_length=80, verbose_name="visitor")),
                ("visitor_ms", models.BigIntegerField(null=True)),
                ("visitor_event_id", meeteasy.core.fields.KeyField(blank=True, max_length=80)),
                (
                    "code_key",
                    meeteasy.core.fields.KeyField(
                        blank=True, max_length=130, verbose_name="code it came with"
                    ),
                ),
                ("code_ms", models.BigIntegerField(null=True)),
                ("code_event_id", meeteasy.core.fields.KeyField(blank=True, max_length=80)),
                ("form_digest", meeteasy.core.fields.KeyField(blank=True, default="", max_length=16)),
                (
                    "is_confirmed",
                    models.BooleanField(
                        default=False,
                        help_text="By our own form, an import or a secret key; otherwise a client reported it.",
                        verbose_name="confirmed",
                    ),
                ),
                (
                    "is_held",
                    models.BooleanField(
                        default=False,
                        help_text="Reported beyond the quota, until an organizer decides.",
                        verbose_name="held",
                    ),
                ),
                (
                    "is_trusted",
                    models.BooleanField(
                        default=True,
                        help_text="Confirmed, or reported while the conference trusted what clients report.",
                        verbose_name="trusted",
                    ),
                ),
                (
                    "window_days",
                    models.PositiveIntegerField(
                        help_text="The conference's setting when it was first heard of.",
                        verbose_name="attribution window in days",
                    ),
                ),
            ],
            options={
                "verbose_name": "registration",
                "verbose_name_plural": "registrations",
                "indexes": [
                    models.Index(fields=["visitor", "conference_id"], name="share_registration_visitor"),
                    models.Index(fields=["conference_id", "ms"], name="share_registration_time"),
                ],
            },
        ),
        migrations.CreateModel(
            name="RegistrationStanding",
            fields=[
                ("id", meeteasy.core.fields.KeyField(max_length=130, primary_key=True, serialize=False)),
                ("state_version", models.PositiveIntegerField(default=0)),
                ("is_withdrawn", models.BooleanField(default=False, verbose_name="withdrawn")),
                ("void_version", models.PositiveIntegerField(default=0)),
                ("is_void", models.BooleanField(default=False, verbose_name="voided")),
            ],
        ),
        migrations.CreateModel(
            name="Void",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("conference_id", meeteasy.core.fields.KeyField(max_length=64, verbose_name="conference")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("registration", "registration"),
                            ("link", "share link"),
                            ("sharer", "sharer"),
                        ],
                        max_length=16,
                        verbose_name="kind",
                    ),
                ),
                ("key", meeteasy.core.fields.KeyField(max_length=80, verbose_name="what")),
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
                        default=False,
                        help_text="False: a worker still has to change the links.",
                        verbose_name="carried out",
                    ),
                ),
            ],
            options={
                "verbose_name": "void",
                "verbose_name_plural": "voids",
                "ordering": ["-id"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("is_applied", False)), fields=["id"], name="void_to_apply"
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("undone_at__isnull", True)),
                        fields=("conference_id", "kind", "key"),
                        name="one_void_at_a_time",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ShareLink",
            fields=[
                ("id", meeteasy.core.fields.KeyField(max_length=130, primary_key=True, serialize=False)),
                ("conference_id", meeteasy.core.fields.KeyField(max_length=64, verbose_name="conference")),
                ("code", meeteasy.core.fields.KeyField(max_length=64, verbose_name="code")),
                (
                    "sharer",
                    meeteasy.core.fields.KeyField(
                        help_text="Visitor id, or “user:” and the number of a user.",
                        max_length=80,
                        verbose_name="sharer",
                    ),
                ),
                (
                    "sharer_user",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="user",
                    ),
                ),
                ("label", models.CharField(blank=True, max_length=200, verbose_name="label")),
                ("search_label", models.TextField(default="", editable=False)),
                (
                    "channel",
                    meeteasy.core.fields.KeyField(blank=True, max_length=512, verbose_name="channel"),
                ),
                ("target_url", models.CharField(blank=True, max_length=2048, verbose_name="target")),
                ("is_minted", models.BooleanField(default=False, verbose_name="minted here")),
                (
                    "is_proven",
                    models.BooleanField(
                        default=False,
                        help_text="The code itself shows that it was made for its sharer.",
                        verbose_name="proven",
                    ),
                ),
                (
                    "is_automatic",
                    models.BooleanField(
                        default=False,
                        help_text="Its sharer's browser made it for its address bar. It counts as shared once another visitor opens it.",
                        verbose_name="made by the browser only",
                    ),
                ),
                ("received_ms", models.BigIntegerField(default=0)),
                ("first_ms", models.BigIntegerField()),
                ("first_event_id", meeteasy.core.fields.KeyField(max_length=80)),
                ("shared_ms", models.BigIntegerField(null=True)),
                ("first_open_ms", models.BigIntegerField(null=True)),
                ("first_opener", meeteasy.core.fields.KeyField(blank=True, default="", max_length=80)),
                ("second_open_ms", models.BigIntegerField(null=True)),
                ("second_opener", meeteasy.core.fields.KeyField(blank=True, default="", max_length=80)),
                ("is_void", models.BooleanField(default=False, verbose_name="voided")),
                (
                    "claimed_parent",
                    meeteasy.core.fields.KeyField(blank=True, max_length=130, verbose_name="claimed parent"),
                ),
                (
                    "parent",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="children",
                        to="sharing.sharelink",
                        verbose_name="parent",
                    ),
                ),
                (
                    "closes_cycle",
                    models.BooleanField(
                        default=False,
                        help_text="Its parent was refused, as it would close a cycle.",
                        verbose_name="cycle refused",
                    ),
                ),
                (
                    "is_contested",
                    models.BooleanField(
                        default=False,
                        help_text="Somebody else claimed the code, too, and was refused.",
                        verbose_name="contested",
                    ),
                ),
                ("opens", models.PositiveIntegerField(default=0, verbose_name="opens")),
                ("openers", models.PositiveIntegerField(default=0, verbose_name="openers")),
                ("child_count", models.PositiveIntegerField(default=0, verbose_name="shared on")),
                ("direct", models.PositiveIntegerField(default=0, verbose_name="direct")),
                ("assisted", models.PositiveIntegerField(default=0, verbose_name="assisted")),
                ("subtree_links", models.PositiveIntegerField(default=0, verbose_name="links below")),
                (
                    "subtree_conversions",
                    models.PositiveIntegerField(default=0, verbose_name="conversions, with those below"),
                ),
            ],
            options={
                "verbose_name": "share link",
                "verbose_name_plural": "share links",
                "indexes": [
                    models.Index(
                        condition=models.Q(("shared_ms__isnull", False)),
                        fields=["conference_id", "parent", "-subtree_conversions", "id"],
                        name="link_level",
                    ),
                    models.Index(
                        condition=models.Q(("parent__isnull", False)), fields=["parent"], name="link_parent"
                    ),
                    models.Index(
                        condition=models.Q(("claimed_parent__gt", ""), ("parent", None)),
                        fields=["claimed_parent"],
                        name="link_orphan",
                    ),
                    models.Index(
                        condition=models.Q(("shared_ms__isnull", False)),
                        fields=["conference_id", "shared_ms", "is_void"],
                        name="link_shared",
                    ),
                    models.Index(
                        fields=["conference_id", "sharer", "shared_ms", "is_void"], name="link_sharer"
                    ),
                    models.Index(
                        condition=models.Q(("search_label__gt", "")),
                        fields=["conference_id"],
                        name="link_labelled",
                    ),
                    models.Index(fields=["code"], name="link_code"),
                ],
            },
        ),
        migrations.CreateModel(
            name="ShareConversion",
            fields=[
                (
                    "registration",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        primary_key=True,
                        serialize=False,
                        to="sharing.shareregistration",
                        verbose_name="registration",
                    ),
                ),
                ("conference_id", meeteasy.core.fields.KeyField(max_length=64, verbose_name="conference")),
                (
                    "nearest",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="sharing.sharelink",
                        verbose_name="direct link",
                    ),
                ),
                ("registered_ms", models.BigIntegerField()),
                (
                    "is_reported",
                    models.BooleanField(
                        default=False,
                        help_text="Nothing but a client's report is behind it.",
                        verbose_name="reported",
                    ),
                ),
            ],
            options={
                "verbose_name": "share conversion",
                "verbose_name_plural": "share conversions",
                "indexes": [
                    models.Index(fields=["conference_id", "registered_ms"], name="conversion_time"),
                    models.Index(
                        condition=models.Q(("is_reported", True)),
                        fields=["conference_id", "registered_ms"],
                        name="conversion_reported",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Credit",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "conversion_id",
                        "distance",
                        "link_id",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "conversion",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="credits",
                        to="sharing.shareconversion",
                        verbose_name="conversion",
                    ),
                ),
                (
                    "link",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="credits",
                        to="sharing.sharelink",
                        verbose_name="link",
                    ),
                ),
                (
                    "distance",
                    models.PositiveIntegerField(
                        help_text="Place in the chain: 1 is the link that was opened, 2 its parent.",
                        verbose_name="distance",
                    ),
                ),
                ("age_ms", models.BigIntegerField()),
                ("sharer", meeteasy.core.fields.KeyField(max_length=80, verbose_name="sharer")),
                (
                    "channel",
                    meeteasy.core.fields.KeyField(blank=True, max_length=512, verbose_name="channel"),
                ),
            ],
            options={
                "verbose_name": "credit",
                "verbose_name_plural": "credits",
            },
        ),
        migrations.CreateModel(
            name="NotCredited",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "registration",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="not_credited",
                        to="sharing.shareregistration",
                        verbose_name="registration",
                    ),
                ),
                (
                    "link_key",
                    meeteasy.core.fields.KeyField(db_index=True, max_length=130, verbose_name="link"),
                ),
                ("reason", models.CharField(max_length=32, verbose_name="reason")),
                ("distance", models.PositiveIntegerField(null=True, verbose_name="distance")),
                ("conference_id", meeteasy.core.fields.KeyField(max_length=64, verbose_name="conference")),
                ("registered_ms", models.BigIntegerField()),
            ],
            options={
                "verbose_name": "not credited",
                "verbose_name_plural": "not credited",
                "indexes": [
                    models.Index(
                        fields=["conference_id", "reason", "-registered_ms", "-id"],
                        name="not_credited_reason",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("registration", "link_key", "reason"), name="one_reason_per_link"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="CreditSum",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "conference_id",
                        "kind",
                        "model",
                        "span",
                        "name",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("conference_id", meeteasy.core.fields.KeyField(max_length=64)),
                ("kind", meeteasy.core.fields.KeyField(max_length=8)),
                ("model", meeteasy.core.fields.KeyField(max_length=50)),
                ("span", models.BigIntegerField()),
                ("name", meeteasy.core.fields.KeyField(max_length=512)),
                ("units", models.BigIntegerField()),
                ("credits", models.IntegerField()),
                ("registrations", models.IntegerField()),
                ("direct", models.IntegerField()),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("span", -1)),
                        fields=["conference_id", "kind", "model", "-units", "name"],
                        name="credit_rank",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ChannelCount",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "conference_id",
                        "channel",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("conference_id", meeteasy.core.fields.KeyField(max_length=64)),
                ("channel", meeteasy.core.fields.KeyField(max_length=512)),
                ("links", models.IntegerField()),
                ("opens", models.BigIntegerField()),
                ("openers", models.BigIntegerField()),
            ],
        ),
        migrations.CreateModel(
            name="StaleRegistration",
            fields=[
                ("id", meeteasy.core.fields.KeyField(max_length=130, primary_key=True, serialize=False)),
                ("conference_id", meeteasy.core.fields.KeyField(db_index=True, max_length=64)),
            ],
        ),
        migrations.CreateModel(
            name="StaleSums",
            fields=[
                (
                    "conference_id",
                    meeteasy.core.fields.KeyField(max_length=64, primary_key=True, serialize=False),
                ),
            ],
        ),
        migrations.CreateModel(
            name="PendingTotal",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("conference_id", meeteasy.core.fields.KeyField(db_index=True, max_length=64)),
                ("link_id", meeteasy.core.fields.KeyField(max_length=130)),
                ("links", models.IntegerField()),
                ("conversions", models.IntegerField()),
            ],
        ),
        migrations.CreateModel(
            name="DirtyDayOutbox",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("conference_id", meeteasy.core.fields.KeyField(max_length=64)),
                ("ms", models.BigIntegerField()),
            ],
        ),
    ]
