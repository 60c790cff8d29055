"""Searches find names whatever sort of apostrophe, dash, digit or blank is in them (meeteasy/core/folding.py)."""

from django.db import migrations

from meeteasy.core.migrations import fold_again


class Migration(migrations.Migration):
    dependencies = [("conferences", "0003_names_without_gaps")]
    operations = [fold_again("conferences", "Registration", "search_text")]
