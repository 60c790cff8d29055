"""Sending signals after a commit."""

from typing import Any

from django.db import transaction
from django.dispatch import Signal


def after_commit(signal: Signal, sender: type, **given: Any) -> None:
    """Send `signal` once the transaction is committed.

    Django only logs a failing receiver: the change that the signal announces is already committed.
    """
    transaction.on_commit(lambda: signal.send_robust(sender=sender, **given), robust=True)
