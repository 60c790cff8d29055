"""Queries for conversions."""

from typing import Any

from django.contrib.auth.models import AnonymousUser, User
from django.db.models import QuerySet, Sum
from django.http import Http404

from conferences.access import Role, get_conference
from conferences.models import Conference
from conversion.models import ConversionJob

# Files may be drafts that only those who run the conference should see.
ROLE = Role.HELPER
_UNKNOWN = "There is no such conversion in a conference that you are a member of."


def list_conversions(conference: Conference, **filters: Any) -> QuerySet[ConversionJob]:
    """Return the conference's conversions, newest first. `filters` are by field."""
    jobs = ConversionJob.objects.exclude(status=ConversionJob.Status.REMOVING)
    return jobs.select_related("created_by").filter(conference=conference, **filters)


def get_conversion(user: User | AnonymousUser, job_id: str) -> ConversionJob:
    """Return the conversion with an id that a user supplies. Raises Http404 or PermissionDenied.

    There is no other way to look up such an id.
    """
    jobs = ConversionJob.objects.exclude(status=ConversionJob.Status.REMOVING)
    job = jobs.select_related("created_by").filter(pk=job_id).first()
    if job is None:
        raise Http404(_UNKNOWN)
    try:
        get_conference(user, job.conference_id, role=ROLE)
    except Http404:
        # The same words as for an unknown id, so that non-members cannot learn that it exists.
        raise Http404(_UNKNOWN) from None
    return job


def measure_usage(conference: Conference) -> int:
    """Return the bytes of a conference's files and results. A result that two jobs share counts twice."""
    sums = ConversionJob.objects.filter(conference=conference).aggregate(
        input=Sum("input_bytes"), output=Sum("output_bytes")
    )
    return int(sums["input"] or 0) + int(sums["output"] or 0)
