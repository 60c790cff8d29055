"""Retention of files: conversions that ended, with the uploaded file and the result."""

from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from conferences.models import Conference
from conferences.services.old_rows import keeps_rows
from conversion.models import ConversionJob
from conversion.services.removing import remove

_ENDED = [ConversionJob.Status.DONE, ConversionJob.Status.FAILED]


def _files(conference: Conference) -> QuerySet[Any]:
    return ConversionJob.objects.filter(conference=conference, status__in=_ENDED, finished_at__isnull=False)


def _remove(keys: list[Any]) -> None:
    for key in keys:
        remove(key)


keeps_rows("files", _("Converted files"), "keep_files_days", _files, "finished_at", delete=_remove)
