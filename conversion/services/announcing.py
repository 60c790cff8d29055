"""Tells the apps above this one that a job changed."""

from conversion.models import ConversionJob
from conversion.signals import conversion_changed


def announce(job: ConversionJob) -> None:
    """Send `conversion_changed`. A failing receiver affects nothing. Call it after the commit."""
    conversion_changed.send_robust(sender=ConversionJob, job=job)
