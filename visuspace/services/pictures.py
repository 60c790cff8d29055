"""Pictures of pages: announced with their upload, stored when they are made, deleted by people."""

import io

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import gettext as _
from PIL import Image

from conferences.models import Conference
from meeteasy.core.errors import RefusedError
from visuspace import cache
from visuspace.models import Picture

MAX_PICTURES = 60  # of a conference
# What conversions are asked for (the parameters of conversion/converters/picture.py). The sides bound the
# size: even noise stays below 3 MB.
PARAMETERS = {"format": "webp", "width": 1600, "height": 1600, "fit": "inside", "quality": 78}


def check_room(conference: Conference) -> None:
    """Raises RefusedError `too_many_pictures` when the conference has MAX_PICTURES."""
    if Picture.objects.filter(conference=conference).count() >= MAX_PICTURES:
        message = _("There can be at most %(most)s pictures. Delete some.")
        raise RefusedError("too_many_pictures", message % {"most": MAX_PICTURES})


def expect_picture(conference: Conference, *, conversion_id: str, file_name: str, by: User | None) -> Picture:
    """Note a picture that a conversion is going to make. Raises as check_room does."""
    check_room(conference)
    return Picture.objects.create(
        conference=conference, conversion_id=conversion_id, file_name=file_name, created_by=by
    )


def store_picture(picture: Picture, content: bytes) -> None:
    """Store what was made, a WebP. Storing it again changes nothing."""
    with Image.open(io.BytesIO(content), formats=("WEBP",)) as opened:  # reads the head only
        width, height = opened.size
    with transaction.atomic():
        Picture.objects.filter(pk=picture.pk).update(
            content=content, width=width, height=height, conversion_id=""
        )
        _forget_after_commit(picture)


def remove_picture(picture: Picture) -> None:
    """Delete a picture. Pages that name it, published ones too, show it no more."""
    with transaction.atomic():
        Picture.objects.filter(pk=picture.pk).delete()
        _forget_after_commit(picture)


def _forget_after_commit(picture: Picture) -> None:
    conference = picture.conference
    transaction.on_commit(lambda: cache.forget(conference), robust=True)
