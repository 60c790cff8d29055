"""Registrations whose own events were stored as `fact:…` are confirmed. Can run again."""

from typing import Any

from django.db import migrations
from django.db.models import Value
from django.db.models.functions import Concat, Substr

_BEFORE = "fact:"


def rename(apps: Any, schema_editor: Any) -> None:
    registrations = apps.get_model("sharing", "ShareRegistration").objects.using(schema_editor.connection.alias)
    registrations.filter(event_id__startswith=_BEFORE).update(is_confirmed=True, is_trusted=True)
    for column in ("event_id", "visitor_event_id", "code_event_id"):
        own = Concat(Value("own:"), Substr(column, len(_BEFORE) + 1))
        registrations.filter(**{f"{column}__startswith": _BEFORE}).update(**{column: own})


class Migration(migrations.Migration):
    dependencies = [("sharing", "0011_voids_and_bounded_transactions")]

    operations = [migrations.RunPython(rename, migrations.RunPython.noop, elidable=True)]
