"""Rows of a table as instances of its model."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models import Model
from django.utils import timezone

from conferences.models import Conference, Member, Registration
from meeteasy.core.rows import Rows
from sharing.models import ShareLink
from tests.sharing.cast import deliver, opened, registered, share

pytestmark = pytest.mark.django_db


def values_of(row: Model) -> list[Any]:
    return [
        (type(value), value) for value in (getattr(row, field.attname) for field in row._meta.concrete_fields)
    ]


@pytest.mark.parametrize("model", [User, Conference, Member, Registration, ShareLink])
def test_rows_are_what_the_orm_reads(conference: Conference, alice: User, model: type[Model]) -> None:
    """Times with their zone, flags, JSON and nulls."""
    Registration.objects.create(
        conference=conference, name="Ann", email="ann@example.org", answers={"a": [1]},
        registered_at=timezone.now(),
    )  # fmt: skip
    deliver(share(1, "va", "aaaa"), opened(2, "vb", "aaaa"), registered(3, "vb"))
    rows = Rows(model, "it")
    for _ in range(2):
        found = rows.read(f"SELECT {rows.columns}, 7 FROM {model._meta.db_table} it", [])
        assert len(found) > 0
        expected = {row.pk: values_of(row) for row in model._default_manager.all()}
        assert {row.pk: values_of(row) for row in found} == expected
        assert not found[0]._state.adding
        assert not found[0].get_deferred_fields()
