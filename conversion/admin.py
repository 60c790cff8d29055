"""Conversions in the admin: every file's state and error, trying again, deleting."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from conferences.admin.common import act_on_each
from conferences.admin.scoping import OfMembers
from conversion.converters import CONVERTERS
from conversion.models import ConversionJob
from conversion.problems import describe
from conversion.services import removing
from meeteasy.core.admin import BoundedPaginator, ReadOnlyAdmin


class TargetFilter(admin.SimpleListFilter):
    """A filter by the registry. It does not scan the table for existing values."""

    title = _("converted into")
    parameter_name = "target"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(key, str(converter.label)) for key, converter in CONVERTERS.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[ConversionJob]) -> QuerySet[ConversionJob]:
        return queryset.filter(target=self.value()) if self.value() else queryset


@admin.register(ConversionJob)
class ConversionAdmin(OfMembers, ReadOnlyAdmin):
    list_display = [
        "file_name", "status", "error_text", "target", "created_at", "kind", "input_bytes", "attempts",
        "finished_at", "conference_id",
    ]  # fmt: skip
    list_filter = ["status", TargetFilter]
    list_select_related = ["conference"]
    search_fields = ["=id", "=conference__id", "=input_sha256"]
    search_help_text = _("A whole id of a conversion or conference, or a file's SHA-256.")
    show_full_result_count = False
    paginator = BoundedPaginator
    fields = (
        "id", "conference", "file_name", "kind", "input_bytes", "input_sha256", "target", "parameters",
        "status", "error_text", "error_code", "error_details", "facts", "output_bytes", "output_path",
        "attempts", "lease_until", "seconds", "created_by", "created_at", "started_at", "finished_at",
    )  # fmt: skip
    readonly_fields = fields
    actions = ["retry", "remove"]

    @admin.display(description=_("error"))
    def error_text(self, job: ConversionJob) -> str:
        return describe(job.error_code) if job.error_code else "–"

    @admin.action(description=_("Try again"), permissions=["operate"])
    def retry(self, request: HttpRequest, queryset: QuerySet[ConversionJob]) -> None:
        def act(job: ConversionJob, by: User) -> None:
            removing.retry(job.pk)

        act_on_each(request, queryset, act, history=str(_("Queued again.")))

    @admin.action(description=_("Delete with the files"), permissions=["operate"])
    def remove(self, request: HttpRequest, queryset: QuerySet[ConversionJob]) -> None:
        def act(job: ConversionJob, by: User) -> None:
            removing.remove(job.pk)

        act_on_each(request, queryset, act, history=str(_("Deleted with the files.")))
