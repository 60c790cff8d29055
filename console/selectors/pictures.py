"""The pictures of event pages as the editor lists them."""

from dataclasses import dataclass

from conferences.models import Conference
from conversion.models import ConversionJob
from conversion.problems import Problem, describe
from visuspace.models import Picture
from visuspace.selectors.pages import list_pictures


@dataclass(frozen=True)
class PictureRow:
    """problem: why there is no picture, in plain words; "" while it is being made, or is there."""

    picture: Picture
    problem: str

    @property
    def is_waiting(self) -> bool:
        return not self.picture.is_ready and not self.problem


def load_picture_rows(conference: Conference) -> list[PictureRow]:
    """Return all pictures, newest first, in at most two queries."""
    pictures = list(list_pictures(conference))
    waiting = [picture.conversion_id for picture in pictures if not picture.is_ready]
    found = ConversionJob.objects.filter(conference=conference, pk__in=waiting) if waiting else []
    jobs = {job.pk: job for job in found}
    return [PictureRow(picture, _problem_of(picture, jobs)) for picture in pictures]


def _problem_of(picture: Picture, jobs: dict[str, ConversionJob]) -> str:
    if picture.is_ready:
        return ""
    job = jobs.get(picture.conversion_id)
    if job is None or job.status == ConversionJob.Status.REMOVING:
        return describe(Problem.INPUT_LOST)
    return describe(job.error_code) if job.status == ConversionJob.Status.FAILED else ""
