"""Sums of quarter hours have a column for each credit model, as those of all time, instead of JSON."""

from typing import Any

from django.db import migrations, models

# As they were registered when the rows were written.
_COLUMNS = {
    "full": 1, "linear": 2, "first_touch": 3, "last_touch": 4, "position_based": 5, "time_decay": 6,
}  # fmt: skip
_DIGEST = "660cbc00"  # of these


def _convert(apps: Any, schema_editor: Any) -> None:
    """Rows that lack one of the models, or have others, get no digest: a tick counts their sums again."""
    if schema_editor.connection.vendor == "postgresql":
        units, keys = "(units::json ->> '{}')::bigint", "json_object_keys(units::json)"
    else:
        units, keys = "json_extract(units, '$.{}')", "json_each(units)"
    sets = [f"units_{column} = coalesce({units.format(name)}, 0)" for name, column in _COLUMNS.items()]
    is_complete = " AND ".join(
        [f"(SELECT count(*) FROM {keys}) = {len(_COLUMNS)}"]
        + [f"{units.format(name)} IS NOT NULL" for name in _COLUMNS]
    )
    sets.append(f"models_digest = CASE WHEN {is_complete} THEN '{_DIGEST}' ELSE '' END")
    schema_editor.execute(f"UPDATE sharing_quartersum SET {', '.join(sets)}", params=None)  # noqa: S608


class Migration(migrations.Migration):
    dependencies = [("sharing", "0004_labels_without_gaps")]

    operations = [
        *(
            migrations.AddField("quartersum", f"units_{column}", models.BigIntegerField(db_default=0))
            for column in range(1, 9)
        ),
        migrations.AddField("quartersum", "models_digest", models.CharField(max_length=8, db_default="")),
        migrations.RunPython(_convert, migrations.RunPython.noop),
        migrations.RemoveField("quartersum", "units"),
    ]
