from typing import Any

from django.utils.translation import gettext_lazy as _

from conferences.models import Conference
from visuspace.blocks import Block, block
from visuspace.models import Speaker

# What a page shows at most.
MAX_SPEAKERS = 300


@block
class Speakers(Block, tag="speakers", frozen=True):
    """The conference's speakers."""

    label = _("Speakers")
    source = _("Shows the speakers of the conference. Without any it is left out.")

    def show(self, conference: Conference, *, language: str) -> dict[str, Any] | None:
        speakers = [
            {
                "name": speaker.name,
                "affiliation": speaker.affiliation,
                "initials": make_initials(speaker.name),
            }
            for speaker in Speaker.objects.filter(conference=conference)[:MAX_SPEAKERS]
        ]
        return {"speakers": speakers} if speakers else None


def make_initials(name: str) -> str:
    """Return what stands in place of a face: “MP” for Maya Patel, “赵” for 赵磊."""
    words = name.split()
    if not words:
        return ""
    if len(words) == 1:
        return words[0][0].upper()
    return (words[0][0] + words[-1][0]).upper()
