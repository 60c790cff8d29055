"""Rows by one of many keys, without the ORM."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from conferences.models import ErasedVisitor
from meeteasy.core.statements import select

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def visitors() -> None:
    ErasedVisitor.objects.bulk_create(
        ErasedVisitor(digest=digest, conference_id=conference_id, replacement=f"for-{digest}")
        for conference_id, digest in [("summit", "1"), ("summit", "2"), ("峰会'\"\\", "3"), ("other", "4")]
    )


def find(*conference_ids: str) -> list[tuple[str, ...]]:
    columns = ("digest", "replacement")
    return sorted(select(ErasedVisitor, columns, key="conference_id", among=conference_ids))


def test_only_rows_with_one_of_the_keys_are_found() -> None:
    assert find("summit", "unknown") == [("1", "for-1"), ("2", "for-2")]


def test_keys_may_have_any_characters() -> None:
    assert find("峰会'\"\\", "") == [("3", "for-3")]


def test_any_number_of_keys_takes_one_statement() -> None:
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert find("other", *(f"c{number}" for number in range(40_000))) == [("4", "for-4")]
    assert len(queries) == 1


def test_without_keys_nothing_is_asked() -> None:
    with CaptureQueriesContext(connection) as queries:
        assert find() == []
    assert len(queries) == 0
