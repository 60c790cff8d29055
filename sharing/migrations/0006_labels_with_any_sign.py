"""Searches find labels whatever sort of apostrophe, dash, digit or blank is in them (meeteasy/core/folding.py)."""

from django.db import migrations

from meeteasy.core.migrations import fold_again


class Migration(migrations.Migration):
    dependencies = [("sharing", "0005_units_of_quarters_in_columns")]
    operations = [fold_again("sharing", "ShareLink", "search_label")]
