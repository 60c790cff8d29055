"""Retention of jobs: imports, decisions and exports that ended, with their reports."""

from typing import Any

from django.db.models import Model, QuerySet
from django.utils.translation import gettext_lazy as _

from conferences.models import Conference, ExportJob, Job
from conferences.services.old_rows import count_by_day, delete_slices
from conferences.services.retention import Kind, keeps


def _jobs(conference: Conference) -> QuerySet[Any]:
    return Job.objects.filter(conference=conference, finished_at__isnull=False)


def _exports(conference: Conference) -> QuerySet[Any]:
    # A row stays as long as its file: it says which file is to be deleted.
    return ExportJob.objects.filter(conference=conference, finished_at__isnull=False, is_deleted=True)


def _deleter(model: type[Model]) -> Any:
    return lambda keys: model._default_manager.filter(pk__in=keys).delete()


for _name, _label, _find, _model in (
    ("jobs", _("Imports and decisions"), _jobs, Job),
    ("exports", _("Exports"), _exports, ExportJob),
):
    keeps(
        Kind(
            _name, _label, "keep_files_days", count_by_day(_find, "finished_at"),
            delete_slices(_find, "finished_at", _deleter(_model)),
        )
    )  # fmt: skip
