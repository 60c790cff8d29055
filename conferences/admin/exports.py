from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from conferences.admin.common import act_on_each
from conferences.admin.scoping import OfMembers
from conferences.models import ExportJob
from conferences.services.exporting import cancel_export
from meeteasy.core.admin import ReadOnlyAdmin


@admin.register(ExportJob)
class ExportJobAdmin(OfMembers, ReadOnlyAdmin):
    list_display = ["export", "conference", "status", "done", "total", "created_by", "created_at"]
    list_filter = ["status", "export"]
    list_select_related = ["conference", "created_by"]
    fields = (
        "export", "format", "parameters", "conference", "status", "done", "total", "size", "is_deleted",
        "error", "created_by", "created_at", "finished_at",
    )  # fmt: skip
    readonly_fields = fields
    actions = ["cancel"]

    @admin.action(description=_("Cancel"), permissions=["operate"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[ExportJob]) -> None:
        def act(job: ExportJob, by: User) -> None:
            cancel_export(job)

        act_on_each(request, queryset, act, history=str(_("Cancelled.")))
