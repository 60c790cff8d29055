from django.contrib import admin
from django.forms import ModelForm
from django.http import HttpRequest

from conferences import services
from conferences.models import Conference, Member


class MemberInline(admin.TabularInline):
    model = Member
    extra = 0
    autocomplete_fields = ["user"]


@admin.register(Conference)
class ConferenceAdmin(admin.ModelAdmin):
    list_display = ["id", "name", "time_zone", "starts_at", "ends_at", "created_at"]
    list_filter = ["time_zone"]
    search_fields = ["id", "name"]
    inlines = [MemberInline]

    def get_readonly_fields(self, request: HttpRequest, obj: Conference | None = None) -> list[str]:
        return ["created_at", *(["id"] if obj else [])]

    def save_model(self, request: HttpRequest, obj: Conference, form: ModelForm, change: bool) -> None:
        super().save_model(request, obj, form, change)
        services.announce_saved(obj)
