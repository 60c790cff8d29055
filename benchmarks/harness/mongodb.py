"""A database of its own on the MongoDB of MONGODB_URI."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.services import MongodbServer


@contextmanager
def take_mongodb() -> Iterator[MongodbServer]:
    """A database that no other program uses; dropped afterwards. Raises KeyError without MONGODB_URI."""
    server = MongodbServer(os.environ["MONGODB_URI"])
    try:
        yield server
    finally:
        server.remove()
