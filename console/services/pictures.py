"""Pictures of event pages: uploads go through the conversion of files, the results to the pages' pictures.

The app of pages and that of files do not know each other, so this is here.
"""

from typing import IO

from django.contrib.auth.models import User
from django.db import transaction

from conferences.models import Conference
from conversion.models import ConversionJob
from conversion.services import removing
from conversion.services.results import open_result
from conversion.services.uploading import clean_name, start_conversion
from meeteasy.core.errors import RefusedError
from visuspace.models import Picture
from visuspace.services import pictures

TARGET = "picture"
_AT_ONCE = 100


def upload_picture(conference: Conference, *, file: IO[bytes], file_name: str, by: User) -> Picture:
    """Take a picture in. Raises RefusedError as start_conversion and visuspace's check_room do."""
    pictures.check_room(conference)
    with transaction.atomic():  # or a fast worker might find no picture that waits for its result
        job = start_conversion(
            conference=conference, file=file, file_name=file_name, target=TARGET,
            parameters=dict(pictures.PARAMETERS), by=by,
        )  # fmt: skip
        return pictures.expect_picture(
            conference, conversion_id=job.pk, file_name=clean_name(file_name), by=by
        )


def adopt_result(job: ConversionJob) -> bool:
    """Store a finished conversion's result as the picture that waits for it. Returns whether one did.

    The conversion is deleted then, and with it the uploaded file, which may say where it was taken.
    """
    if job.status != ConversionJob.Status.DONE or job.target != TARGET:
        return False
    picture = Picture.objects.select_related("conference").filter(conversion_id=job.pk).first()
    if picture is None:
        return False
    try:
        result = open_result(job)
    except RefusedError:  # the store lost it, and it is made again
        return False
    with result.file:
        pictures.store_picture(picture, result.file.read())
    removing.remove(job.pk)
    return True


def adopt_results() -> int:
    """Adopt results whose signal was lost. Returns how many."""
    waiting = Picture.objects.exclude(conversion_id="").order_by("id").values_list("conversion_id", flat=True)
    done = ConversionJob.objects.filter(pk__in=list(waiting[:_AT_ONCE]), status=ConversionJob.Status.DONE)
    return sum(map(adopt_result, done))


def remove_picture(picture: Picture) -> None:
    """Delete a picture and the conversion that was to make it."""
    if picture.conversion_id:
        removing.remove(picture.conversion_id)
    pictures.remove_picture(picture)
