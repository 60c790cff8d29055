"""API tokens and the schedule in the admin."""

from django.contrib import admin
from django_celery_beat.admin import PeriodicTaskAdmin
from django_celery_beat.models import PeriodicTask

from meeteasy.core.admin import ReadOnlyAdmin
from meeteasy.core.tokens import ApiToken


@admin.register(ApiToken)
class ApiTokenAdmin(ReadOnlyAdmin):
    """Operators see who has a token, and withdraw it."""

    list_display = ["user", "digest", "created_at"]
    list_select_related = ["user"]
    search_fields = ["user__username"]

    def has_delete_permission(self, request, obj=None) -> bool:  # type: ignore[no-untyped-def]
        return admin.ModelAdmin.has_delete_permission(self, request, obj)


admin.site.unregister(PeriodicTask)


@admin.register(PeriodicTask)
class ScheduleAdmin(PeriodicTaskAdmin):  # type: ignore[misc]  # the package has no types
    """The package's page, with the columns first that an operator looks for."""

    list_display = ["name", "last_run_at", "scheduler", "enabled"]
    list_filter = ["enabled"]
    date_hierarchy = None
