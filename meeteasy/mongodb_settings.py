"""The connection to MongoDB, from its address. It sets the options that our promises need and refuses others.

docs/delivery.md promises that a stored event stays stored and that a summary counts all events. That requires
writes that a majority confirms and reads from the primary.
"""

from typing import Any

from django.core.exceptions import ImproperlyConfigured

# The limit of one operation, including its retry. A worker reaches it a few times in a row while the server
# stalls, and must give up before its task is killed (analytics/checks.py).
TIMEOUT_MS = 10_000
_SELECTION_MS = 5_000

# Options of an address that could break a promise, and the values that keep it.
_KEEPING: dict[str, tuple[Any, ...]] = {
    "w": ("majority",),
    "journal": (True,),
    "readpreference": ("primary",),
    "readpreferencetags": (),  # these two choose among secondaries
    "maxstalenessseconds": (),
    "directconnection": (False,),  # to one member, whose reads are answered even when it is no longer primary
    "readconcernlevel": ("local", "majority", "linearizable"),
    "retrywrites": (True,),
    "retryreads": (True,),
}
_TIMES = {"timeoutms", "sockettimeoutms", "connecttimeoutms", "serverselectiontimeoutms", "wtimeoutms"}


def read_mongodb_settings(uri: str, database: str) -> dict[str, Any]:
    """Make the entry of DATABASES for an address. `database` is MONGODB_DATABASE, "" if it is not set.

    Raises ImproperlyConfigured, which names an option that breaks a promise or contradicts another setting.
    """
    from pymongo.errors import PyMongoError
    from pymongo.uri_parser import parse_uri

    try:
        parsed = parse_uri(uri, warn=True)
    except (PyMongoError, ValueError) as error:
        raise ImproperlyConfigured(f"MONGODB_URI is not an address of MongoDB: {error}") from None
    for name, value in parsed["options"].items():
        kept = _KEEPING.get(name.lower())
        if kept is not None and (value.lower() if isinstance(value, str) else value) not in kept:
            raise ImproperlyConfigured(
                f"MONGODB_URI: {name}={value} breaks what docs/delivery.md promises; leave it out"
            )
        if name.lower() in _TIMES:
            raise ImproperlyConfigured(
                f"MONGODB_URI: {name} is ours to set, to {TIMEOUT_MS} ms in all; leave it out"
            )
    named = parsed["database"]
    if named and database and named != database:
        raise ImproperlyConfigured(
            f"MONGODB_URI names the database {named!r}, and MONGODB_DATABASE {database!r}; name it once"
        )
    return {
        "ENGINE": "django_mongodb_backend",
        "HOST": uri,
        "NAME": database or named or "meeteasy",
        "OPTIONS": {
            "w": "majority",
            "readPreference": "primary",
            "timeoutMS": TIMEOUT_MS,
            "serverSelectionTimeoutMS": _SELECTION_MS,
            "connectTimeoutMS": _SELECTION_MS,
        },
        "TEST": {"DEPENDENCIES": []},  # without it, creating the test databases waits for a cycle
    }
