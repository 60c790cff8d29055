from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from conferences.admin.common import act_on_each
from conferences.admin.scoping import OfMembers
from conferences.models import Job
from conferences.services.jobs import cancel_job
from meeteasy.core.admin import ReadOnlyAdmin


@admin.register(Job)
class JobAdmin(OfMembers, ReadOnlyAdmin):
    list_display = [
        "kind",
        "conference",
        "status",
        "done",
        "total",
        "created_by",
        "created_at",
        "finished_at",
    ]
    list_filter = ["status", "kind"]
    list_select_related = ["conference", "created_by"]
    fields = (
        "kind", "conference", "status", "done", "total", "counts", "errors", "warnings", "error",
        "created_by", "created_at", "finished_at",
    )  # fmt: skip
    readonly_fields = fields
    actions = ["cancel"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Job]:
        found: QuerySet[Job] = super().get_queryset(request)
        return found.defer("content")

    @admin.action(description=_("Cancel"), permissions=["operate"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[Job]) -> None:
        def act(job: Job, by: User) -> None:
            cancel_job(job)

        act_on_each(request, queryset, act, history=str(_("Cancelled.")))
