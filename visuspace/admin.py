"""Event pages in the admin: what was generated at what cost, and the data that pages show."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from conferences.admin.scoping import OfMembers
from meeteasy.core.admin import ReadOnlyAdmin
from visuspace import cache
from visuspace.models import GenerationJob, Page, Picture, Revision, Session, Speaker


class _Shown(OfMembers):
    """Data that pages show: a change removes the cached pages."""

    list_select_related = ["conference"]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        cache.forget(obj.conference)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        super().delete_model(request, obj)
        cache.forget(obj.conference)


@admin.register(Speaker)
class SpeakerAdmin(_Shown):
    autocomplete_fields = ["conference"]
    list_display = ["name", "affiliation", "position", "conference"]
    search_fields = ["name", "affiliation"]


@admin.register(Session)
class SessionAdmin(_Shown):
    list_display = ["title", "starts_at", "room", "conference"]
    search_fields = ["title", "room"]
    autocomplete_fields = ["conference", "speakers"]


@admin.register(Picture)
class PictureAdmin(OfMembers, ReadOnlyAdmin):
    list_display = ["file_name", "conference", "width", "height", "created_at", "created_by"]
    list_select_related = ["conference", "created_by"]
    search_fields = ["file_name", "conference__id"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Picture]:
        return super().get_queryset(request).defer("content")


class RevisionInline(admin.TabularInline):
    model = Revision
    fields = ["number", "source", "created_at", "created_by"]
    readonly_fields = ["number", "source", "created_at", "created_by"]
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Page)
class PageAdmin(OfMembers, ReadOnlyAdmin):
    list_display = ["conference", "language", "draft", "published", "published_at"]
    list_filter = ["language"]
    list_select_related = ["conference", "draft", "published"]
    inlines = [RevisionInline]


@admin.register(GenerationJob)
class GenerationJobAdmin(OfMembers, ReadOnlyAdmin):
    conference_path = "page__conference_id"
    list_display = [
        "created_at", "page", "status", "error_code", "provider", "model", "tokens_in", "tokens_out", "cost",
    ]  # fmt: skip
    list_filter = ["status", "provider", "error_code"]
    list_select_related = ["page"]
    search_fields = ["page__conference__id", "error_message"]
