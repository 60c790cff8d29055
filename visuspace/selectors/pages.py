"""Queries for pages, their revisions and the conference's pictures, without any picture's content."""

from django.db.models import QuerySet

from conferences.models import Conference
from visuspace.models import Page, Picture, Revision


def find_page(conference: Conference, *, language: str) -> Page | None:
    """Return the page in a language with its draft and published revision, if somebody made one."""
    pages = Page.objects.select_related("draft", "published")
    page = pages.filter(conference=conference, language=language).first()
    if page is not None:
        page.conference = conference
    return page


def list_revisions(page: Page) -> QuerySet[Revision]:
    """Return the revisions of a page, newest first, without their blocks."""
    return page.revisions.defer("blocks").select_related("created_by").order_by("-number")


def list_pictures(conference: Conference) -> QuerySet[Picture]:
    """Return the pictures of a conference, newest first."""
    return Picture.objects.defer("content").filter(conference=conference)
