"""Migrations keep what older releases stored."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from conferences.models import Conference
from sharing.derivation.sums import note_missing_models
from sharing.models import QuarterSum, StaleSums
from sharing.rules.credit_models import CREDIT_MODELS
from tests.sharing.cast import deliver, opened, registered, share


def migrate_to(name: str) -> None:
    executor = MigrationExecutor(connection)
    executor.migrate([("sharing", name)])


@pytest.fixture
def latest_afterwards() -> Iterator[None]:
    yield
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes("sharing"))


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("latest_afterwards")
def test_units_of_quarter_hours_move_from_json_to_columns(conference: Conference) -> None:
    deliver(
        share(1, "ann", "aaaa"), share(2, "bob", "bbbb", "aaaa"), opened(3, "eve", "bbbb"),
        registered(9, "eve"),
    )  # fmt: skip
    kept = sorted(QuarterSum.objects.values_list())
    rows: list[Any] = list(QuarterSum.objects.order_by("id").values())
    assert len(rows) == 4  # two sharers, their channel, the total
    QuarterSum.objects.all().delete()
    migrate_to("0004_labels_without_gaps")
    with connection.cursor() as cursor:
        for row in rows:
            units = json.dumps({name: row[f"units_{model.column}"] for name, model in CREDIT_MODELS.items()})
            values = [row["id"], units, row["credits"], row["registrations"], row["direct"]]
            cursor.execute(
                "INSERT INTO sharing_quartersum (id, units, credits, registrations, direct) "
                "VALUES (%s, %s, %s, %s, %s)",
                values,
            )
        cursor.execute(
            "INSERT INTO sharing_quartersum (id, units, credits, registrations, direct) "
            "VALUES ('old/total/000000000000000/', '{\"full\": 7}', 1, 1, 1)"
        )
    migrate_to("0005_units_of_quarters_in_columns")
    without_models = QuarterSum.objects.get(id__startswith="old/")
    assert (without_models.units_1, without_models.models_digest) == (7, "")
    without_models.delete()
    assert sorted(QuarterSum.objects.values_list()) == kept
    note_missing_models()
    assert not StaleSums.objects.exists()
