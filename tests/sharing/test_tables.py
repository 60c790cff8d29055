"""What the models cannot say about the tables."""

from typing import Any

import pytest
from django.apps import apps
from django.db import connection

from meeteasy.core.fields import KeyField


def refers_to(field: Any) -> Any:
    """The field that holds the values: for a relation, the key that it refers to, which may be a relation."""
    while field.is_relation:
        field = field.target_field
    return field


@pytest.mark.django_db
def test_all_keys_compare_by_code_points() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("on SQLite all text does; the collation of a column is PostgreSQL's")
    keys = {
        (model._meta.db_table, field.column)
        for model in apps.get_app_config("sharing").get_models()
        for field in model._meta.concrete_fields
        if isinstance(refers_to(field), KeyField)
    }
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, column_name FROM information_schema.columns "
            "WHERE table_name LIKE 'sharing%%' AND collation_name = 'C'"
        )
        assert set(cursor.fetchall()) == keys
