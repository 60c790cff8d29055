"""The table of segments; see analytics/ranges."""

from django.db import models


class Segment(models.Model):
    """A day's events as a file of columns: derived, disposable (analytics/ranges/segments.py).

    The row is written after its file. It says of which events the file was made: `computations` of the day's
    summary when they were read. Every change gives the row another `change`.
    """

    id = models.CharField(primary_key=True, db_column="_id", max_length=96)  # conference_id:date
    conference_id = models.CharField(max_length=64)
    date = models.DateField()
    version = models.CharField(max_length=32)
    name = models.CharField(max_length=255)
    digest = models.CharField(max_length=32)
    computations = models.BigIntegerField()
    rows = models.BigIntegerField()
    built_at = models.DateTimeField()
    build_ms = models.BigIntegerField()
    is_stale = models.BooleanField(default=False)
    change = models.CharField(max_length=32, default="")

    class Meta:
        indexes = [
            models.Index(fields=["conference_id", "date"], name="segment_conference_date"),
            # Asked for every few seconds, and nearly always empty. MongoDB needs the first field of an index
            # in the filter.
            models.Index(
                fields=["is_stale", "built_at"], name="segment_stale", condition=models.Q(is_stale=True)
            ),
        ]

    def __str__(self) -> str:
        return self.id
