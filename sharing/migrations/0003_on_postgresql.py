"""PostgreSQL: what writing links costs there. A counter that is in no index can be rewritten without touching one,
if its page has room for the new version of the row; and no query of ours uses the indexes for LIKE."""

from django.db import migrations

from meeteasy.core.migrations import drop_like_indexes, run_on_postgresql


class Migration(migrations.Migration):
    dependencies = [("sharing", "0002_sums_under_all_models")]
    operations = [
        run_on_postgresql("ALTER TABLE sharing_sharelink SET (fillfactor = 60)"),
        drop_like_indexes(r"sharing\_%"),
    ]
