"""The database of a run on MongoDB, where Django's tests can roll nothing back."""

from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import connections
from pymongo import MongoClient


def drop_mongodb_of_tests() -> None:
    entry = settings.DATABASES["analytics"]
    name = entry["TEST"].get("NAME") or f"test_{entry['NAME']}"
    with MongoClient[dict[str, Any]](entry["HOST"]) as client:
        client.drop_database(name)


def let_django_roll_back_the_other() -> None:
    """Let tests roll back the SQL database beside MongoDB, as they do without it.

    Django does so only if all databases of a test can. Otherwise it empties all tables after each test and
    makes permissions anew, which takes longer than most tests; and what waits for a commit would run in each.
    """
    connections["analytics"].features.supports_transactions = True


def empty_collections() -> None:
    connection: Any = connections["analytics"]
    for model in apps.get_app_config("analytics").get_models():
        connection.get_collection(model._meta.db_table).delete_many({})
