"""Searches find `李 小龙` and `李小龙` by either (meeteasy/core/folding.py)."""

from django.db import migrations

from meeteasy.core.migrations import fold_again


class Migration(migrations.Migration):
    dependencies = [("sharing", "0003_on_postgresql")]
    operations = [fold_again("sharing", "ShareLink", "search_label")]
