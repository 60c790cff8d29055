"""How long MongoDB may take: a few seconds by the connection's options, and longer where it is asked for."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings


@contextmanager
def patient(seconds: float) -> Iterator[None]:
    """Let MongoDB take that long for all that is asked inside; 0: any time.

    The limit of the connection is for web requests and drains, which must notice a server that stalls.
    Counting a large day, dating all events of a conference again or making an index may take longer.
    """
    if not settings.MONGODB_URI:
        yield
        return
    import pymongo  # as long as half of Django

    with pymongo.timeout(seconds):
        yield
