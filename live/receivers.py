"""Changes without an event: a registration's state, a membership, a conversion, a generated page.

They are hints, sent after commit. A client that misses one gets the right numbers with the next message or
snapshot, and the regular check finds every membership that ended.
"""

from typing import Any

from django.dispatch import receiver

from conferences import signals
from conferences.models import Registration
from conversion.models import ConversionJob
from conversion.signals import conversion_changed
from live import alerts, groups
from live.log import Alert
from live.publish import publish_alerts
from live.selectors import count_attendance
from visuspace.models import GenerationJob
from visuspace.signals import generation_changed


@receiver(signals.registration_state_changed)
def tell_state(sender: object, registration: Registration, **kwargs: Any) -> None:
    conference_id = registration.conference_id
    if conference_id in groups.watched_conferences():
        alert = Alert(
            f"registration:{registration.id}:{registration.state}:{registration.decided_at}",
            alerts.registration_body(registration),
        )
        publish_alerts(
            conference_id, [alert], rest_type="registration", attendance=count_attendance(conference_id)
        )


@receiver(signals.membership_changed)
def recheck_members(sender: object, conference_id: str, **kwargs: Any) -> None:
    groups.wake(conference_id, groups.RECHECK)


@receiver(conversion_changed)
def tell_conversion(sender: object, job: ConversionJob, **kwargs: Any) -> None:
    if job.conference_id in groups.watched_conferences():
        state = f"{job.status}:{job.attempts}:{job.pages_done}:{job.due_at.timestamp()}"
        alert = Alert(f"conversion:{job.pk}:{state}", alerts.conversion_body(job))
        publish_alerts(job.conference_id, [alert], rest_type="conversion")


@receiver(generation_changed)
def tell_generation(sender: object, job: GenerationJob, **kwargs: Any) -> None:
    conference_id = job.page.conference_id
    if conference_id in groups.watched_conferences():
        alert = Alert(f"generation:{job.pk}:{job.status}:{job.attempts}", alerts.generation_body(job))
        publish_alerts(conference_id, [alert], rest_type="generation")
