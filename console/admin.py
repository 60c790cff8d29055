"""Mails to organizers in the admin: their state and error."""

from django.contrib import admin

from console.models import OrganizerMail
from meeteasy.core.admin import BoundedPaginator, ReadOnlyAdmin


@admin.register(OrganizerMail)
class OrganizerMailAdmin(ReadOnlyAdmin):
    list_display = ["created_at", "kind", "recipient", "status", "attempts", "last_error"]
    list_filter = ["status", "kind"]
    search_fields = ["=recipient"]
    paginator = BoundedPaginator
    show_full_result_count = False
    fields = [
        "kind", "recipient", "language", "status", "attempts", "last_error", "scheduled_for", "created_at",
        "sent_at",
    ]  # fmt: skip
