"""Instants of rows, for people."""

import datetime as dt


def instant(ms: int) -> dt.datetime:
    """The datetime of UTC milliseconds since 1970."""
    return dt.datetime.fromtimestamp(ms / 1000, dt.UTC)
