"""API tokens in the admin: operators see who has any, and withdraw them."""

from django.contrib import admin

from meeteasy.core.admin import ReadOnlyAdmin
from meeteasy.core.tokens import ApiToken


@admin.register(ApiToken)
class ApiTokenAdmin(ReadOnlyAdmin):
    list_display = ["user", "digest", "created_at"]
    list_select_related = ["user"]
    search_fields = ["user__username"]

    def has_delete_permission(self, request, obj=None) -> bool:  # type: ignore[no-untyped-def]
        return admin.ModelAdmin.has_delete_permission(self, request, obj)
