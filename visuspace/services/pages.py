"""Editing, publishing and restoring pages."""

from typing import Any

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from conferences.models import Conference
from meeteasy.core.errors import RefusedError
from visuspace import cache
from visuspace.blocks import read_blocks, write_blocks
from visuspace.models import Page, Revision

# Older revisions are deleted, except for the published one.
MAX_REVISIONS = 100


def get_or_create_page(conference: Conference, *, language: str) -> Page:
    """Return the page in one of the conference's languages. Raises ValidationError (`language`)."""
    if language not in conference.languages:
        raise ValidationError({"language": _("The conference does not have this language.")})
    page, _created = Page.objects.get_or_create(conference=conference, language=language)
    return page


def save_draft(page: Page, *, blocks: Any, seen: int, by: User | None) -> Revision:
    """Store edited blocks as the new draft.

    seen: number of the revision that was edited, 0 for none. Raises ValidationError (`blocks`), and
    RefusedError `stale` if somebody else stored a newer one.
    """
    content = write_blocks(read_blocks(blocks))
    with transaction.atomic():
        present = lock_page(page)
        if present != seen:
            raise RefusedError(
                "stale", _("Somebody else changed this page. Nothing was saved."), revision=present
            )
        return add_revision(page, content, source=Revision.Source.EDITED, by=by)


def restore(page: Page, *, number: int, by: User | None) -> Revision:
    """Make an earlier revision the draft again, as a new revision. Raises RefusedError `no_revision`."""
    with transaction.atomic():
        lock_page(page)
        earlier = _find(page, number)
        return add_revision(page, earlier.blocks, source=Revision.Source.RESTORED, by=by)


def publish(page: Page, *, number: int | None = None) -> Page:
    """Show a revision to visitors, by default the draft. Raises RefusedError `no_revision`."""
    with transaction.atomic():
        lock_page(page)
        page.refresh_from_db()
        revision = page.draft if number is None else _find(page, number)
        if revision is None:
            raise RefusedError("no_revision", _("This page has no content yet."))
        page.published, page.published_at = revision, timezone.now()
        page.save(update_fields=["published", "published_at"])
        _forget_after_commit(page)
    return page


def unpublish(page: Page) -> Page:
    """Show visitors the plain page again."""
    page.published = page.published_at = None
    with transaction.atomic():
        page.save(update_fields=["published", "published_at"])
        _forget_after_commit(page)
    return page


def add_revision(
    page: Page, content: list[dict[str, Any]], *, source: Revision.Source, by: User | None
) -> Revision:
    """Store blocks as the newest revision and draft. Call it in a transaction that has locked the page."""
    last = page.revisions.order_by("-number").values_list("number", flat=True).first() or 0
    try:
        with transaction.atomic():
            revision = Revision.objects.create(
                page=page, number=last + 1, blocks=content, source=source, created_by=by
            )
    except IntegrityError:  # on a database without row locks, somebody else was first
        raise RefusedError("stale", _("Somebody else changed this page. Nothing was saved.")) from None
    Page.objects.filter(pk=page.pk).update(draft=revision)
    page.draft = revision
    old = page.revisions.filter(number__lte=last + 1 - MAX_REVISIONS)
    if page.published_id is not None:
        old = old.exclude(pk=page.published_id)
    old.delete()
    return revision


def lock_page(page: Page) -> int:
    """Let one change of a page wait for the other. Call it in a transaction.

    Returns the number of the page's draft, or 0.
    """
    locked = Page.objects.select_for_update(of=("self",)).select_related("draft").get(pk=page.pk)
    return locked.draft.number if locked.draft else 0


def _find(page: Page, number: int) -> Revision:
    revision = page.revisions.filter(number=number).first()
    if revision is None:
        raise RefusedError("no_revision", _("There is no such revision."))
    return revision


def _forget_after_commit(page: Page) -> None:
    conference = page.conference
    transaction.on_commit(lambda: cache.forget(conference), robust=True)
