"""Searches find `李 小龙` and `李小龙` by either (meeteasy/core/folding.py)."""

from django.db import migrations

from meeteasy.core.migrations import fold_again


class Migration(migrations.Migration):
    dependencies = [("conferences", "0002_state_changes_and_times_of_passages")]
    operations = [fold_again("conferences", "Registration", "search_text")]
