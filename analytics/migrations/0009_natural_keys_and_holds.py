"""Natural keys are in the column `_id`: on MongoDB they are the documents' own, with no other unique index. An
event's is `<event id>/<conference id>`, as ids belong to a conference. Reports can be held."""

from collections.abc import Callable
from typing import Any

from django.db import migrations, models

import meeteasy.core.fields

_AT_ONCE = 1_000
_OF_REGISTRATIONS = ["checkin", "checkin_undone", "registration", "registration_standing"]


class _OnSQL:
    """An operation that MongoDB's own way replaces: the `_id` of a document cannot be changed."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        if schema_editor.connection.vendor != "mongodb":
            super().database_forwards(app_label, schema_editor, from_state, to_state)  # type: ignore[misc]


class _RenameOnSQL(_OnSQL, migrations.RenameField):
    pass


class _AlterOnSQL(_OnSQL, migrations.AlterField):
    pass


def make_keys(apps: Any, schema_editor: Any) -> None:
    """On SQL the columns have their new names by now; on MongoDB their documents are copied."""
    connection = schema_editor.connection
    if connection.vendor == "mongodb":
        _copy(connection, "analytics_event", "event_id", lambda old: f"{old['event_id']}/{old['conference_id']}")
        for table, column in (
            ("analytics_appliedsettings", "conference_id"),
            ("analytics_dailysummary", "id"),
            ("analytics_deadletter", "id"),
            ("analytics_dirtyday", "id"),
            ("analytics_owneventsweep", "kind"),
            ("analytics_unclaimedconference", "conference_id"),
        ):
            _copy(connection, table, column, lambda old, column=column: old[column])  # type: ignore[misc]
        return
    schema_editor.execute("UPDATE analytics_event SET _id = _id || '/' || conference_id")
    # What takes a check-in back belongs to its registration, as the check-in does.
    registration = (
        "data ->> 'registration_id'"
        if connection.vendor == "postgresql"
        else "json_extract(data, '$.registration_id')"
    )
    schema_editor.execute(
        f"UPDATE analytics_event SET subject = {registration} WHERE type = 'checkin_undone'"  # noqa: S608
    )


def _copy(connection: Any, table: str, column: str, make_key: Callable[[Any], str]) -> None:
    """Copy a collection into one with keys in `_id`, with its indexes, and put it in its place. A copy that
    was interrupted is begun again."""
    former, copy = connection.get_collection(table), connection.get_collection(f"{table}_with_keys")
    indexes = former.index_information()
    copy.drop()
    documents: list[Any] = []
    for document in former.find():
        key = make_key(document)
        del document[column]
        if document.get("type") == "checkin_undone":
            document["subject"] = document["data"]["registration_id"]
        documents.append({**document, "_id": key})
        if len(documents) == _AT_ONCE:
            copy.insert_many(documents)
            documents = []
    if documents:
        copy.insert_many(documents)
    else:
        copy.create_index("_id")  # makes the collection, if it is empty
    for name, index in indexes.items():
        fields = list(index["key"])
        if fields != [("_id", 1)] and fields != [(column, 1)]:
            copy.create_index(fields, name=name)
    copy.rename(table, dropTarget=True)


class Migration(migrations.Migration):
    dependencies = [("analytics", "0008_zone_version")]

    operations = [
        migrations.CreateModel(
            name="HoldDecision",
            fields=[
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
                "indexes": [models.Index(fields=["done_at"], name="holddecision_done")],
            },
        ),
        _RenameOnSQL("event", "event_id", "id"),
        _AlterOnSQL(
            "event",
            "id",
            meeteasy.core.fields.KeyField(
                db_column="_id", max_length=160, primary_key=True, serialize=False
            ),
        ),
        _AlterOnSQL(
            "appliedsettings",
            "conference_id",
            models.CharField(db_column="_id", max_length=64, primary_key=True, serialize=False),
        ),
        _AlterOnSQL(
            "dailysummary",
            "id",
            models.CharField(db_column="_id", max_length=96, primary_key=True, serialize=False),
        ),
        _AlterOnSQL(
            "deadletter",
            "id",
            models.CharField(db_column="_id", max_length=160, primary_key=True, serialize=False),
        ),
        _AlterOnSQL(
            "dirtyday",
            "id",
            models.CharField(db_column="_id", max_length=64, primary_key=True, serialize=False),
        ),
        _AlterOnSQL(
            "owneventsweep",
            "kind",
            models.CharField(db_column="_id", max_length=64, primary_key=True, serialize=False),
        ),
        _AlterOnSQL(
            "unclaimedconference",
            "conference_id",
            models.CharField(
                db_column="_id",
                max_length=64,
                primary_key=True,
                serialize=False,
                verbose_name="conference id",
            ),
        ),
        migrations.RunPython(make_keys, elidable=False),
        migrations.AddField(
            "event",
            "hold",
            models.CharField(
                blank=True,
                choices=[("", "no"), ("held", "held"), ("void", "void")],
                default="",
                max_length=8,
                verbose_name="hold",
            ),
        ),
        migrations.AddIndex(
            "event",
            models.Index(
                condition=models.Q(("type__in", _OF_REGISTRATIONS)),
                fields=["conference_id", "subject"],
                name="event_of_registration",
            ),
        ),
        migrations.AddIndex(
            "event",
            models.Index(
                condition=models.Q(("type", "registration")),
                fields=["conference_id", "visitor_id"],
                name="event_registration_visitor",
            ),
        ),
    ]
