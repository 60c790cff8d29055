import zoneinfo
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.forms import BaseInlineFormSet, ModelForm
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from conferences import services
from conferences.admin.common import act_on_each, local_time
from conferences.admin.scoping import OfMembers
from conferences.models import Conference, Member
from conferences.services.members import announce_membership

_TIMES = ("starts_at", "ends_at", "registration_opens_at", "registration_closes_at")


class ConferenceForm(ModelForm):
    """Form whose times are local to the conference. It refuses input that is older than the last change."""

    seen_revision = forms.IntegerField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["seen_revision"].initial = self.instance.revision
        for name in _TIMES:
            field = self.fields.get(name)
            moment = getattr(self.instance, name)
            if field is not None:
                field.help_text = f"{field.help_text} {_('Local time of the conference.')}".strip()
            if moment is not None:
                zone = zoneinfo.ZoneInfo(self.instance.time_zone)
                self.initial[name] = timezone.make_naive(moment, zone)

    def full_clean(self) -> None:
        with timezone.override(self._zone()):
            super().full_clean()

    def _zone(self) -> zoneinfo.ZoneInfo:
        """Return the zone that is chosen in this form."""
        chosen = self.data.get(self.add_prefix("time_zone")) or self.instance.time_zone
        try:
            return zoneinfo.ZoneInfo(chosen)
        except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):  # refused by its own field
            return zoneinfo.ZoneInfo("UTC")

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        seen = cleaned.get("seen_revision")
        present = Conference.objects.filter(pk=self.instance.pk).values_list("revision", flat=True).first()
        if present is not None and seen is not None and seen != present:
            raise ValidationError(
                _(
                    "Somebody else changed this conference after you opened the page. Nothing was saved. "
                    "Open it again to see the current values."
                ),
                code="stale",
            )
        return cleaned


class MemberFormSet(BaseInlineFormSet):
    def clean(self) -> None:
        """Check that the conference keeps an owner, as conferences/services/members.py does."""
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
class ConferenceAdmin(OfMembers):
    conference_path = "id"
    form = ConferenceForm
    list_display = ["id", "name", "venue", "starts", "ends", "cancelled", "created_at"]
    list_filter = ["approval_required", ("cancelled_at", admin.EmptyFieldListFilter), "time_zone"]
    actions = ["cancel_conferences", "reinstate_conferences"]
    search_fields = ["id", "name", "venue"]
    inlines = [MemberInline]
    fieldsets = [
        (
            None,
            {
                "fields": [
                    "id", "name", "tagline", "venue", "time_zone", "starts_at", "ends_at", "cancelled_at",
                    "created_at",
                    "seen_revision",
                ]
            },
        ),
        (
            _("Registration"),
            {
                "fields": [
                    "registration_opens_at", "registration_closes_at", "capacity", "waiting_list",
                    "approval_required", "languages", "phone_region", "questions",
                ]
            },
        ),
        (_("Notifications"), {"fields": ["reminder_hours_before", "quiet_from", "quiet_until"]}),
        (
            _("Analytics"),
            {"fields": ["trust_client_registrations", "event_key_required", "attribution_window_days"]},
        ),
    ]  # fmt: skip

    def get_readonly_fields(self, request: HttpRequest, obj: Conference | None = None) -> list[str]:
        return ["cancelled_at", "created_at", *(["id"] if obj else [])]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # Events, summaries and share links refer to the conference's id without foreign keys. A new
        # conference with the same id would show the former owner's figures to its owner.
        return False

    @admin.display(description=_("starts at"), ordering="starts_at")
    def starts(self, conference: Conference) -> str:
        return local_time(conference.starts_at, conference)

    @admin.display(description=_("ends at"), ordering="ends_at")
    def ends(self, conference: Conference) -> str:
        return local_time(conference.ends_at, conference)

    @admin.display(description=_("cancelled at"), ordering="cancelled_at")
    def cancelled(self, conference: Conference) -> str:
        return local_time(conference.cancelled_at, conference)

    @admin.action(description=_("Cancel selected conferences (nobody is notified)"), permissions=["change"])
    def cancel_conferences(self, request: HttpRequest, queryset: QuerySet[Conference]) -> None:
        def act(conference: Conference, by: User) -> str | None:
            return None if services.cancel_conference(conference, by=by) else str(_("Cancelled before:"))

        act_on_each(request, queryset, act, history="Cancelled.")

    @admin.action(description=_("Take the cancellation of selected conferences back"), permissions=["change"])
    def reinstate_conferences(self, request: HttpRequest, queryset: QuerySet[Conference]) -> None:
        def act(conference: Conference, by: User) -> str | None:
            return None if services.reinstate_conference(conference, by=by) else str(_("Not cancelled:"))

        act_on_each(request, queryset, act, history="Cancellation taken back.")

    def save_model(self, request: HttpRequest, obj: Conference, form: ModelForm, change: bool) -> None:
        changed = [name for name in form.changed_data if name != "seen_revision"]
        if not change:
            super().save_model(request, obj, form, change)
        elif changed:
            obj.save(update_fields=changed)
        services.note_saved(obj)

    def save_formset(
        self, request: HttpRequest, form: ModelForm, formset: BaseInlineFormSet, change: bool
    ) -> None:
        super().save_formset(request, form, formset, change)
        for member in [*formset.new_objects, *(changed for changed, _fields in formset.changed_objects)]:
            announce_membership(member.conference_id, member.user_id, member.role)
        for member in formset.deleted_objects:
            announce_membership(member.conference_id, member.user_id, None)
