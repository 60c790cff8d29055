"""Conferences, registrations and check-ins for operators, through the same functions as the API."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db.models import Exists, OuterRef, QuerySet
from django.forms import BaseInlineFormSet, ModelForm
from django.http import HttpRequest, HttpResponseBase
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from conferences import badges, services
from conferences.access import signed_in
from conferences.models import CheckIn, Conference, Member, Registration
from conferences.selectors.registrations import CSV_CODES, CSV_COLUMNS, csv_rows, with_check_ins
from conferences.services.checkins import check_in, undo_check_in
from conferences.services.members import announce_membership
from conferences.services.registrations import decide
from conferences.states import Action
from meeteasy.core.errors import RefusedError
from meeteasy.core.http import csv_response


def _for_each(request: HttpRequest, queryset: QuerySet[Any], act: Callable[[Any, User], object]) -> None:
    """A bulk action: each by itself, so that one that is refused costs the others nothing."""
    by = signed_in(request.user)
    done = 0
    refused: dict[str, list[str]] = {}
    for found in queryset:
        try:
            act(found, by)
            done += 1
        except RefusedError as error:
            refused.setdefault(error.message, []).append(str(found))
    if done:
        text = ngettext("Done for %(number)d entry.", "Done for %(number)d entries.", done)
        messages.success(request, text % {"number": done})
    for message, names in refused.items():
        more = f" (+{len(names) - 5})" if len(names) > 5 else ""
        messages.warning(request, f"{message} {'; '.join(names[:5])}{more}")


class MemberFormSet(BaseInlineFormSet):
    def clean(self) -> None:
        """A conference needs an owner, as in conferences/services/members.py."""
        super().clean()
        kept = [form for form in self.forms if form.cleaned_data and not form.cleaned_data.get("DELETE")]
        if not any(form.cleaned_data.get("role") == Member.Role.OWNER for form in kept):
            raise ValidationError(_("A conference needs an owner."))


class MemberInline(admin.TabularInline):
    model = Member
    formset = MemberFormSet
    extra = 0
    autocomplete_fields = ["user"]


@admin.register(Conference)
class ConferenceAdmin(admin.ModelAdmin):
    list_display = ["id", "name", "venue", "time_zone", "starts_at", "ends_at", "created_at"]
    list_filter = ["approval_required", "time_zone"]
    search_fields = ["id", "name", "venue"]
    inlines = [MemberInline]
    fieldsets = [
        (None, {"fields": ["id", "name", "venue", "time_zone", "starts_at", "ends_at", "created_at"]}),
        (_("Registration"), {"fields": ["approval_required", "languages", "phone_region"]}),
        (_("Notifications"), {"fields": ["reminder_hours_before", "quiet_from", "quiet_until"]}),
        (_("Analytics"), {"fields": ["trust_client_registrations", "attribution_window_days"]}),
    ]

    def get_readonly_fields(self, request: HttpRequest, obj: Conference | None = None) -> list[str]:
        return ["created_at", *(["id"] if obj else [])]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # Events, summaries and share links are kept by the conference's id, without foreign keys. Whoever
        # created a conference with that id next would read the former owner's figures.
        return False

    def save_model(self, request: HttpRequest, obj: Conference, form: ModelForm, change: bool) -> None:
        super().save_model(request, obj, form, change)
        services.announce_saved(obj)

    def save_formset(
        self, request: HttpRequest, form: ModelForm, formset: BaseInlineFormSet, change: bool
    ) -> None:
        super().save_formset(request, form, formset, change)
        for member in [*formset.new_objects, *(changed for changed, _fields in formset.changed_objects)]:
            announce_membership(member.conference_id, member.user_id, member.role)
        for member in formset.deleted_objects:
            announce_membership(member.conference_id, member.user_id, None)


class CheckedInFilter(admin.SimpleListFilter):
    title = _("checked in")
    parameter_name = "checked_in"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("Yes")), ("no", _("No"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Registration]) -> QuerySet[Registration]:
        is_in = Exists(CheckIn.objects.filter(registration=OuterRef("pk"), undone_at=None))
        if self.value() is None:
            return queryset
        return queryset.filter(is_in if self.value() == "yes" else ~is_in)


class CheckInInline(admin.TabularInline):
    model = CheckIn
    extra = 0
    readonly_fields = ("method", "gate", "checked_in_at", "checked_in_by", "undone_at", "undone_by")
    fields = readonly_fields

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Registration)
class RegistrationAdmin(admin.ModelAdmin):
    """The state changes by actions, never by hand; deleting erases a person's data."""

    list_display = ["name", "email", "phone", "conference", "state", "checked_in", "source", "created_at"]
    list_filter = ["state", CheckedInFilter, "source", ("conference", admin.RelatedOnlyFieldListFilter)]
    search_fields = ["=id", "name", "email", "phone"]
    list_select_related = ["conference"]
    date_hierarchy = "created_at"
    inlines = [CheckInInline]
    actions = ["approve", "reject", "cancel", "check_in", "export_csv"]
    readonly_fields = (
        "id", "conference", "name", "email", "phone", "language", "state", "decided_at", "decided_by",
        "form_id", "answers", "source", "visitor_id", "share_code", "created_at", "badge",
    )  # fmt: skip
    fields = readonly_fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Registration]:
        is_in = CheckIn.objects.filter(registration=OuterRef("pk"), undone_at=None)
        found: QuerySet[Registration] = super().get_queryset(request)
        return found.annotate(is_checked_in=Exists(is_in))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    @admin.display(description=_("checked in"), boolean=True, ordering="is_checked_in")
    def checked_in(self, registration: Registration) -> bool:
        return bool(registration.is_checked_in)  # type: ignore[attr-defined]

    @admin.display(description=_("badge"))
    def badge(self, registration: Registration) -> str | SafeString:
        try:
            badges.check_admissible(registration)
        except RefusedError:
            return "–"
        return format_html('<a href="{}">{}</a>', badges.make_link(registration), _("QR code"))

    @admin.action(description=_("Approve"), permissions=["change"])
    def approve(self, request: HttpRequest, queryset: QuerySet[Registration]) -> None:
        _for_each(request, queryset, lambda found, by: decide(found.id, Action.APPROVE, by=by))

    @admin.action(description=_("Reject"), permissions=["change"])
    def reject(self, request: HttpRequest, queryset: QuerySet[Registration]) -> None:
        _for_each(request, queryset, lambda found, by: decide(found.id, Action.REJECT, by=by))

    @admin.action(description=_("Cancel"), permissions=["change"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[Registration]) -> None:
        _for_each(request, queryset, lambda found, by: decide(found.id, Action.CANCEL, by=by))

    @admin.action(description=_("Check in"), permissions=["change"])
    def check_in(self, request: HttpRequest, queryset: QuerySet[Registration]) -> None:
        _for_each(request, queryset, lambda found, by: check_in(found.id, by=by, method="admin"))

    @admin.action(description=_("Export as CSV"), permissions=["view"])
    def export_csv(self, request: HttpRequest, queryset: QuerySet[Registration]) -> HttpResponseBase:
        return csv_response(
            "registrations.csv", CSV_COLUMNS, csv_rows(with_check_ins(queryset)), codes=CSV_CODES
        )


@admin.register(CheckIn)
class CheckInAdmin(admin.ModelAdmin):
    list_display = [
        "registration", "method", "gate", "checked_in_at", "checked_in_by", "undone_at", "undone_by"
    ]  # fmt: skip
    list_filter = [
        ("undone_at", admin.EmptyFieldListFilter),
        "method",
        ("registration__conference", admin.RelatedOnlyFieldListFilter),
    ]
    search_fields = ["=registration__id", "registration__name", "registration__email", "gate"]
    list_select_related = ["registration", "checked_in_by", "undone_by"]
    actions = ["undo"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [field.name for field in CheckIn._meta.fields]

    @admin.action(description=_("Undo"), permissions=["change"])
    def undo(self, request: HttpRequest, queryset: QuerySet[CheckIn]) -> None:
        _for_each(request, queryset, lambda found, by: undo_check_in(found.id, by=by))
