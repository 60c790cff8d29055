"""What the console does when conferences and files change."""

from typing import Any

from django.dispatch import receiver

from conferences.services.deleting import deletes_rows
from console.models import Digest, Invitation
from console.services.pictures import adopt_result
from conversion.models import ConversionJob
from conversion.signals import conversion_changed

deletes_rows(Invitation)
deletes_rows(Digest, lambda conference_id: Digest.objects.filter(member__conference_id=conference_id))


@receiver(conversion_changed)
def adopt_picture(sender: object, job: ConversionJob, **kwargs: Any) -> None:
    adopt_result(job)
