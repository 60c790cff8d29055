"""Sending the signals that come after a commit."""

from typing import Any

from django.db import transaction
from django.dispatch import Signal


def after_commit(signal: Signal, sender: type, **given: Any) -> None:
    """Send `signal` once the transaction is committed.

    Django logs a failing receiver, and that is all: what the signal announces has happened.
    """
    transaction.on_commit(lambda: signal.send_robust(sender=sender, **given), robust=True)
