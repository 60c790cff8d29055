"""The admin of voids. Adding a row voids its target, and the action undoes it."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from conferences.admin.scoping import OfMembers
from conferences.models import Conference
from meeteasy.core.admin import BoundedPaginator, ReadOnlyAdmin
from meeteasy.core.errors import RefusedError
from sharing.models import Void
from sharing.services import voiding


class VoidForm(forms.ModelForm):
    class Meta:
        model = Void
        fields = ["conference_id", "kind", "key", "reason"]

    def clean(self) -> dict[str, Any]:
        """Check the target, so that the form shows a refusal beside the field."""
        given: dict[str, Any] = super().clean() or {}
        if self.errors:
            return given
        conference = Conference.objects.filter(id=given["conference_id"]).first()
        if conference is None:
            self.add_error("conference_id", _("There is no such conference."))
            return given
        try:
            voiding.check(conference, kind=given["kind"], key=given["key"])
        except RefusedError as error:
            self.add_error("key", error.message)
        return given


@admin.register(Void)
class VoidAdmin(OfMembers, ReadOnlyAdmin):
    form = VoidForm
    list_display = [
        "key",
        "kind",
        "conference_id",
        "reason",
        "voided_by",
        "voided_at",
        "undone_by",
        "undone_at",
    ]
    list_filter = ["kind"]
    search_fields = ["key__exact", "conference_id__exact"]
    paginator = BoundedPaginator
    show_full_result_count = False
    actions = ["undo"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return super(ReadOnlyAdmin, self).has_add_permission(request)

    def get_fields(self, request: HttpRequest, obj: Void | None = None) -> Any:
        given = ["conference_id", "kind", "key", "reason"]
        return given if obj is None else [*given, "voided_by", "voided_at", "undone_by", "undone_at"]

    def save_model(self, request: HttpRequest, obj: Void, form: Any, change: bool) -> None:
        """Void the target through the service, as the API does."""
        made = voiding.void(
            Conference.objects.get(id=obj.conference_id), kind=obj.kind, key=obj.key, reason=obj.reason,
            by=request.user,  # type: ignore[arg-type]  # staff
        )  # fmt: skip
        obj.pk = made.pk

    @admin.action(description=_("Undo: let the selected ones count again"), permissions=["operate"])
    def undo(self, request: HttpRequest, queryset: QuerySet[Void]) -> None:
        undone = []
        for item in queryset.filter(undone_at__isnull=True):
            conference = Conference.objects.filter(id=item.conference_id).first()
            if conference is None:
                continue
            by: Any = request.user
            undone.append(voiding.undo_void(conference, kind=item.kind, key=item.key, by=by))
        user_id: Any = request.user.pk
        LogEntry.objects.log_actions(user_id, undone, CHANGE, change_message=str(_("Undone.")))
        self.message_user(request, _("Undone: %(count)s.") % {"count": len(undone)}, messages.SUCCESS)
