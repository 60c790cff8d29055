"""Emptying the tables after a test that commits.

Django flushes for that: it empties all hundred tables and makes permissions again. Most such tests write to a
few tables, and take less time than a flush.
"""

from django.db import connections, transaction

# `migrate` fills them, and tests only read them.
_KEPT = {"django_content_type", "auth_permission"}


def empty_tables(alias: str) -> None:
    """Delete all rows of an SQL database but those that `migrate` makes. Sequences go on."""
    connection = connections[alias]
    tables = connection.introspection.django_table_names(only_existing=True, include_views=False)
    names = [connection.ops.quote_name(table) for table in tables if table not in _KEPT]
    # Django's foreign keys are checked at the end of the transaction, so any order will do.
    with transaction.atomic(using=alias), connection.cursor() as cursor:
        cursor.execute(
            " UNION ALL ".join(f"SELECT '{name}' WHERE EXISTS (SELECT 1 FROM {name})" for name in names)
        )
        for (name,) in cursor.fetchall():
            cursor.execute(f"DELETE FROM {name}")
