"""Event pages: what the conference's data says (speakers, agenda), pages with revisions, generation jobs."""

from visuspace.models.job import GenerationJob
from visuspace.models.page import Page, Revision
from visuspace.models.picture import Picture
from visuspace.models.program import Session, Speaker

__all__ = ["GenerationJob", "Page", "Picture", "Revision", "Session", "Speaker"]
