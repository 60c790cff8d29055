from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from conferences import badges
from conferences.access import signed_in
from conferences.admin.common import act_on_each, local_time
from conferences.admin.scoping import OfMembers
from conferences.models import CheckIn, Conference, Registration
from conferences.selectors.registrations import CSV_CODES, CSV_COLUMNS, csv_rows, search, with_check_ins
from conferences.services.checkins import check_in, undo_check_in
from conferences.services.erasing import erase_registration
from conferences.services.jobs import start_decision
from conferences.services.registrations import decide
from conferences.states import Action
from meeteasy.core.admin import NothingToSave
from meeteasy.core.errors import RefusedError
from meeteasy.core.http import csv_response

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

# A job decides about more rows than this.
_DECIDED_AT_ONCE = 50


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
    readonly_fields = ("method", "gate", "checked_in", "checked_in_by", "undone_at", "undone_by")
    fields = readonly_fields

    @admin.display(description=_("checked in at"))
    def checked_in(self, found: CheckIn) -> str:
        return local_time(found.checked_in_at, found.registration.conference)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Registration)
class RegistrationAdmin(OfMembers, NothingToSave):
    """Registrations. Only actions change the state. Deleting erases the person (services/erasing.py)."""

    list_display = ["name", "state", "checked_in", "email", "phone", "source", "registered", "conference_id"]
    list_filter = ["state", CheckedInFilter, "source", ("conference", admin.RelatedOnlyFieldListFilter)]
    search_fields = ["name", "email", "phone"]  # for the search box; `search` does the work
    search_help_text = _("Part of the name, email or phone; case and accents do not matter.")
    list_select_related = ["conference"]
    date_hierarchy = "registered_at"
    inlines = [CheckInInline]
    actions = ["approve", "reject", "cancel", "check_in", "export_csv"]
    readonly_fields = (
        "id", "conference", "name", "email", "phone", "language", "state", "decided", "decided_by",
        "form_id", "answers", "source", "visitor_id", "share_code", "registered", "badge",
    )  # fmt: skip
    fields = readonly_fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Registration]:
        is_in = CheckIn.objects.filter(registration=OuterRef("pk"), undone_at=None)
        found: QuerySet[Registration] = super().get_queryset(request)
        return found.annotate(is_checked_in=Exists(is_in))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Registration], search_term: str
    ) -> tuple[QuerySet[Registration], bool]:
        return search(queryset, search_term.strip()), False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[Any], dict[str, int], set[str], list[str]]:
        """Allow check-ins to be deleted together with their registration, but not on their own."""
        found, counts, _perms_needed, protected = super().get_deleted_objects(objs, request)
        text = _("Messages to the person, and their visitor id in events and share links. Figures stay.")
        return [*found, str(text)], counts, set(), protected

    def delete_model(self, request: HttpRequest, obj: Registration) -> None:
        erase_registration(obj.pk)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Registration]) -> None:
        for registration in queryset:
            erase_registration(registration.pk)

    @admin.display(description=_("checked in"), boolean=True, ordering="is_checked_in")
    def checked_in(self, registration: Registration) -> bool:
        return bool(registration.is_checked_in)  # type: ignore[attr-defined]

    @admin.display(description=_("registered at"), ordering="registered_at")
    def registered(self, registration: Registration) -> str:
        return local_time(registration.registered_at, registration.conference)

    @admin.display(description=_("decided at"), ordering="decided_at")
    def decided(self, registration: Registration) -> str:
        return local_time(registration.decided_at, registration.conference)

    @admin.display(description=_("badge"))
    def badge(self, registration: Registration) -> str | SafeString:
        try:
            badges.check_admissible(registration)
        except RefusedError:
            return "–"
        return format_html('<a href="{}">{}</a>', badges.make_link(registration), _("QR code"))

    @admin.action(description=_("Approve"), permissions=["change"])
    def approve(self, request: HttpRequest, queryset: QuerySet[Registration]) -> None:
        self._decide(request, queryset, Action.APPROVE, _("Approved."))

    @admin.action(description=_("Reject"), permissions=["change"])
    def reject(self, request: HttpRequest, queryset: QuerySet[Registration]) -> None:
        self._decide(request, queryset, Action.REJECT, _("Rejected."))

    @admin.action(description=_("Cancel"), permissions=["change"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[Registration]) -> None:
        self._decide(request, queryset, Action.CANCEL, _("Cancelled."))

    def _decide(
        self, request: HttpRequest, queryset: QuerySet[Registration], action: Action, history: "StrOrPromise"
    ) -> None:
        ids_of: dict[Conference, list[str]] = {}
        for registration in queryset:
            ids_of.setdefault(registration.conference, []).append(registration.id)
        if sum(map(len, ids_of.values())) <= _DECIDED_AT_ONCE:

            def act(found: Registration, by: User) -> None:
                decide(found.id, action, by=by)

            act_on_each(request, queryset, act, history=str(history))
            return
        for conference, ids in ids_of.items():
            start_decision(conference=conference, action=action, ids=ids, by=signed_in(request.user))
        text = ngettext(
            "%(number)d job was started; its report is under “Jobs”.",
            "%(number)d jobs were started; their reports are under “Jobs”.",
            len(ids_of),
        )
        messages.success(request, text % {"number": len(ids_of)})

    @admin.action(description=_("Check in"), permissions=["change"])
    def check_in(self, request: HttpRequest, queryset: QuerySet[Registration]) -> None:
        act_on_each(request, queryset, _check_in, history=str(_("Checked in.")))

    @admin.action(description=_("Export as CSV"), permissions=["view"])
    def export_csv(self, request: HttpRequest, queryset: QuerySet[Registration]) -> HttpResponseBase:
        rows = csv_rows(with_check_ins(queryset))
        return csv_response("registrations.csv", CSV_COLUMNS, rows, codes=CSV_CODES)


def _check_in(registration: Registration, by: User) -> str | None:
    """Check an attendee in. Returns None, or who already checked them in and when."""
    outcome = check_in(registration.id, by=by, method="admin")
    if outcome.created:
        return None
    first = outcome.check_in
    facts = {
        "time": local_time(first.checked_in_at, registration.conference),
        "user": first.checked_in_by or "–",
        "gate": first.gate or first.method,
    }
    return _("Already checked in at %(time)s by %(user)s (%(gate)s).") % facts


@admin.register(CheckIn)
class CheckInAdmin(OfMembers, NothingToSave):
    conference_path = "registration__conference_id"
    list_display = [
        "person", "method", "gate", "checked_in", "checked_in_by", "undone", "undone_by", "conference"
    ]  # fmt: skip
    list_filter = [
        ("undone_at", admin.EmptyFieldListFilter),
        "method",
        ("registration__conference", admin.RelatedOnlyFieldListFilter),
    ]
    search_fields = ["registration__search_text", "gate"]
    list_select_related = ["registration__conference", "checked_in_by", "undone_by"]
    actions = ["undo"]

    @admin.display(description=_("full name"), ordering="registration__name")
    def person(self, found: CheckIn) -> str:
        return found.registration.name

    @admin.display(description=_("conference"), ordering="registration__conference")
    def conference(self, found: CheckIn) -> str:
        return found.registration.conference_id

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [field.name for field in CheckIn._meta.fields]

    @admin.display(description=_("checked in at"), ordering="checked_in_at")
    def checked_in(self, found: CheckIn) -> str:
        return local_time(found.checked_in_at, found.registration.conference)

    @admin.display(description=_("undone at"), ordering="undone_at")
    def undone(self, found: CheckIn) -> str:
        return local_time(found.undone_at, found.registration.conference)

    @admin.action(description=_("Undo"), permissions=["change"])
    def undo(self, request: HttpRequest, queryset: QuerySet[CheckIn]) -> None:
        def act(found: CheckIn, by: User) -> None:
            undo_check_in(found.id, by=by)

        act_on_each(request, queryset, act, history=str(_("Undone.")))
