"""PostgreSQL: the events are written without the index for LIKE that Django makes for a key of text."""

from django.db import migrations

from meeteasy.core.migrations import drop_like_indexes


class Migration(migrations.Migration):
    dependencies = [("analytics", "0002_segment_facts")]
    operations = [drop_like_indexes(r"analytics\_event")]
