"""Tests of migrations with existing rows."""

from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from meeteasy.core.fields import KeyField
from sharing.models import Credit


def migrate(name: str) -> Any:
    """Migrate to `name` and return the models of that state."""
    executor = MigrationExecutor(connection)
    executor.migrate([("sharing", name)])
    return executor.loader.project_state([("sharing", name)]).apps


def refers_to(field: Any) -> Any:
    """The field that holds the values: for a relation, the key that it refers to, which may be a relation."""
    while field.is_relation:
        field = field.target_field
    return field


@pytest.mark.django_db(transaction=True)
def test_credits_survive_the_change_of_their_key() -> None:
    latest = MigrationExecutor(connection).loader.graph.leaf_nodes("sharing")[0][1]
    before = migrate("0005_first_parents_of_an_owner_by_index")
    try:
        for number in (2, 1):
            before.get_model("sharing", "Credit").objects.create(
                conversion_id="summit/r-1", link_id=f"summit/code{number}", distance=number, age_ms=number * 7
            )
    finally:
        migrate(latest)
    found = Credit.objects.order_by("distance").values_list("conversion_id", "link_id", "distance", "age_ms")
    assert list(found) == [("summit/r-1", "summit/code1", 1, 7), ("summit/r-1", "summit/code2", 2, 14)]


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
