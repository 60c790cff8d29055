"""Retention of event pages: generations that ended, and states that are neither draft nor published."""

from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from conferences.models import Conference
from conferences.services.old_rows import keeps_rows
from visuspace.models import GenerationJob, Page, Revision

_IN_USE = Exists(Page.objects.filter(Q(draft=OuterRef("pk")) | Q(published=OuterRef("pk"))))


def _generations(conference: Conference) -> QuerySet[Any]:
    return GenerationJob.objects.filter(page__conference=conference, finished_at__isnull=False)


def _revisions(conference: Conference) -> QuerySet[Any]:
    return Revision.objects.filter(~_IN_USE, page__conference=conference)


def _delete_revisions(keys: list[Any]) -> None:
    # A generation without its text would still be the answer to the same prompt.
    GenerationJob.objects.filter(revision__in=keys).delete()
    Revision.objects.filter(~_IN_USE, pk__in=keys).delete()  # unless one was published meanwhile


keeps_rows("generations", _("Generations of event pages"), "keep_files_days", _generations, "finished_at")
keeps_rows(
    "revisions", _("Earlier states of event pages"), "keep_files_days", _revisions, "created_at",
    delete=_delete_revisions,
)  # fmt: skip
