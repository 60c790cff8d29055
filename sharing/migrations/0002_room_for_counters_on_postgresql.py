"""PostgreSQL: what writing links costs there.

A counter that is no part of an index can be rewritten without touching any index, if the page has room for
the new version of the row; so pages of links are filled to 60 % only. Indexes for LIKE, which Django makes for
every key of text, are written with each row and serve no query of ours.
"""

from typing import Any

from django.db import migrations

_DROP_LIKE_INDEXES = r"""
    DO $$
    DECLARE name text;
    BEGIN
        FOR name IN SELECT indexname FROM pg_indexes
            WHERE schemaname = current_schema() AND tablename LIKE 'sharing\_%' AND indexname LIKE '%\_like'
        LOOP EXECUTE format('DROP INDEX %I', name);
        END LOOP;
    END $$
"""


def make_room(apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("ALTER TABLE sharing_sharelink SET (fillfactor = 60)")
        schema_editor.execute(_DROP_LIKE_INDEXES, params=None)


class Migration(migrations.Migration):
    dependencies = [("sharing", "0001_links_conversions_and_credits")]
    operations = [migrations.RunPython(make_room, migrations.RunPython.noop)]
