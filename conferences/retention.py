"""Retention of jobs: imports, decisions and exports that ended, with their reports."""

from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from conferences.models import Conference, ExportJob, Job
from conferences.services.old_rows import keeps_rows


def _jobs(conference: Conference) -> QuerySet[Any]:
    return Job.objects.filter(conference=conference, finished_at__isnull=False)


def _exports(conference: Conference) -> QuerySet[Any]:
    # A row stays as long as its file: it says which file is to be deleted.
    return ExportJob.objects.filter(conference=conference, finished_at__isnull=False, is_deleted=True)


keeps_rows("jobs", _("Imports and decisions"), "keep_files_days", _jobs, "finished_at")
keeps_rows("exports", _("Exports"), "keep_files_days", _exports, "finished_at")
