"""Work that a transaction leaves to a later one, because it is bounded or because the target is elsewhere."""

from django.db import models

from meeteasy.core.fields import KeyField
from sharing.models.instants import instant


class StaleRegistration(models.Model):
    """A registration that waits for its credits, because a transaction writes a bounded number of rows."""

    id = KeyField(primary_key=True, max_length=130)  # key of a ShareRegistration
    conference_id = KeyField(max_length=64, db_index=True)

    def __str__(self) -> str:
        return self.id


class StaleSums(models.Model):
    """A conference whose sums a tick must count again: they lack a credit model."""

    conference_id = KeyField(primary_key=True, max_length=64)

    def __str__(self) -> str:
        return self.conference_id


class PendingTotal(models.Model):
    """A pending addition to the totals of a link and of all its ancestors (derivation/totals.py)."""

    conference_id = KeyField(max_length=64, db_index=True)
    link_id = KeyField(max_length=130)
    links = models.IntegerField()
    conversions = models.IntegerField()

    def __str__(self) -> str:
        return f"{self.link_id} {self.links:+} {self.conversions:+}"


class DirtyDayOutbox(models.Model):
    """A changed local day in the outbox, stored with the change and marked dirty after its commit.

    The events may be in another database, so our transaction cannot mark the day there. A worker may die
    between the two steps.
    """

    conference_id = KeyField(max_length=64)
    ms = models.BigIntegerField()  # an instant of that day

    def __str__(self) -> str:
        return f"{self.conference_id} {instant(self.ms)}"
