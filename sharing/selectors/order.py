"""The order of texts, the same from every database."""

from django.db import connection
from django.db.models import F
from django.db.models.expressions import Combinable
from django.db.models.functions import Collate


def by_code_points(name: str) -> Combinable:
    """For `order_by`: a field in the order in which Python sorts, and SQLite.

    A PostgreSQL database sorts as its language does, in most of them a before B. Its indexes do so, too: a
    list that is read along one goes by the database's order, and so do its cursors (selectors/paging.py).
    """
    return Collate(F(name), "C") if connection.vendor == "postgresql" else F(name)
