"""Own events that were stored as `fact:…` are `own:…`: else they would be reports of clients. Can run again."""

from typing import Any

from django.db import migrations
from django.db.models import Value
from django.db.models.functions import Concat, Substr

_BEFORE, _NOW = "fact:", "own:"
_AFTER_BEFORE = "fact;"  # the next text that no such id begins with
_AT_ONCE = 500


def rename(apps: Any, schema_editor: Any) -> None:
    connection = schema_editor.connection
    events = apps.get_model("analytics", "Event").objects.using(connection.alias)
    undone = events.filter(type="checkin_undone", is_attendance=True)
    changed = []
    for event in undone.only("pk", "data").iterator(chunk_size=_AT_ONCE):
        named = event.data.get("checkin_event_id", "")
        if named.startswith(_BEFORE):
            event.data["checkin_event_id"] = _NOW + named.removeprefix(_BEFORE)
            changed.append(event)
    events.bulk_update(changed, ["data"], batch_size=_AT_ONCE)
    if connection.vendor == "mongodb":
        _rename_documents(connection.get_collection("analytics_event"))
        return
    former = events.filter(id__gte=_BEFORE, id__lt=_AFTER_BEFORE)
    # The sweep may have sent some again, which are stored under the new id then.
    ids = former.annotate(new=Concat(Value(_NOW), Substr("id", len(_BEFORE) + 1)))
    ids.filter(new__in=events.filter(id__gte=_NOW, id__lt="own;").values("id")).delete()
    former.update(id=Concat(Value(_NOW), Substr("id", len(_BEFORE) + 1)))


def _rename_documents(collection: Any) -> None:
    """The `_id` of a document cannot be changed: each is stored anew before the former one is deleted."""
    for document in collection.find({"_id": {"$gte": _BEFORE, "$lt": _AFTER_BEFORE}}):
        former = document["_id"]
        key = _NOW + former.removeprefix(_BEFORE)
        collection.replace_one({"_id": key}, {**document, "_id": key}, upsert=True)
        collection.delete_one({"_id": former})


class Migration(migrations.Migration):
    dependencies = [("analytics", "0011_held_reports")]

    operations = [migrations.RunPython(rename, migrations.RunPython.noop, elidable=True)]
