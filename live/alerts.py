"""The bodies of the alert messages that members of a conference see, e.g. of a registration or a check-in."""

from typing import Any

from django.utils import timezone

from conferences.models import CheckIn, Registration
from conversion.models import ConversionJob
from visuspace.models import GenerationJob


def registration_body(registration: Registration) -> dict[str, Any]:
    """Build a `registration` message. `at`: when the person registered, or when the state last changed."""
    at = registration.decided_at or registration.registered_at
    return {
        "type": "registration",
        "at": at.isoformat(),
        "registration": {
            "id": registration.id,
            "name": registration.name,
            "state": str(registration.state),
            "new": registration.decided_at is None,
        },
    }


def reported_registration_body(*, registration_id: str, at: str) -> dict[str, Any]:
    """Build a `registration` message for a report by a browser or another system, without a row here."""
    return {
        "type": "registration",
        "at": at,
        "registration": {"id": registration_id, "name": "", "state": "reported", "new": False},
    }


def check_in_body(check_in: CheckIn) -> dict[str, Any]:
    """Build a `checkin` message. `undone` says that the check-in was taken back."""
    return {
        "type": "checkin",
        "at": (check_in.undone_at or check_in.checked_in_at).isoformat(),
        "checkin": {
            "id": check_in.id,
            "registration_id": check_in.registration_id,
            "name": check_in.registration.name,
            "method": check_in.method,
            "gate": check_in.gate,
            "undone": check_in.undone_at is not None,
        },
    }


def share_body(*, share_code: str, channel: str, parent_share_code: str | None, at: str) -> dict[str, Any]:
    """Build a `share` message."""
    return {
        "type": "share",
        "at": at,
        "share": {"code": share_code, "channel": channel, "parent_code": parent_share_code},
    }


def conversion_body(job: ConversionJob) -> dict[str, Any]:
    """Build a `conversion` message. It has no file name, because viewers of figures see it, too."""
    return {
        "type": "conversion",
        "at": (job.finished_at or timezone.now()).isoformat(),
        "conversion": {
            "id": job.pk,
            "status": str(job.status),
            "target": job.target,
            "pages_done": job.pages_done,
            "pages_total": job.pages_total,
            "error_code": job.error_code,
        },
    }


def generation_body(job: GenerationJob) -> dict[str, Any]:
    """Build a `generation` message. It has no prompt and no text, because viewers of figures see it, too."""
    return {
        "type": "generation",
        "at": (job.finished_at or timezone.now()).isoformat(),
        "generation": {
            "id": job.pk,
            "page_id": job.page_id,
            "language": job.page.language,
            "status": str(job.status),
            "attempts": job.attempts,
            "revision": job.revision.number if job.revision else None,
            "error_code": job.error_code,
        },
    }
