"""Admin pages of event keys and aliases."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from conferences.access import signed_in
from conferences.admin.common import act_on_each
from conferences.admin.scoping import OfMembers
from conferences.models import Alias, EventKey
from conferences.services.aliases import give_alias, normalise
from conferences.services.keys import create_key, revoke_key
from meeteasy.core.admin import NothingToSave


@admin.register(EventKey)
class EventKeyAdmin(OfMembers, NothingToSave):
    """Keys. A new one is shown once, in the message after saving; only the action changes one."""

    list_display = ["prefix", "kind", "name", "conference", "created_by", "last_used_at", "revoked_at"]
    list_filter = ["kind", ("revoked_at", admin.EmptyFieldListFilter)]
    list_select_related = ["conference", "created_by"]
    search_fields = ["prefix", "name", "conference__id__exact"]
    autocomplete_fields = ["conference"]
    actions = ["revoke"]

    def get_fields(self, request: HttpRequest, obj: EventKey | None = None) -> Any:
        new = ["conference", "kind", "name"]
        shown = ["prefix", "created_at", "created_by", "last_used_at", "revoked_at"]
        return new if obj is None else [*new, *shown]

    def get_readonly_fields(self, request: HttpRequest, obj: EventKey | None = None) -> Any:
        return [] if obj is None else self.get_fields(request, obj)

    def save_model(self, request: HttpRequest, obj: EventKey, form: ModelForm, change: bool) -> None:
        key, text = create_key(
            conference=obj.conference, kind=obj.kind, name=obj.name, by=signed_in(request.user)
        )
        obj.pk, obj.prefix, obj.digest = key.pk, key.prefix, key.digest
        shown = format_html(str(_("The key, shown this once: {}")), text)
        messages.warning(request, shown)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # a revoked key stays, to say who made it and when it was used

    @admin.action(description=_("Revoke"), permissions=["change"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[EventKey]) -> None:
        def act(key: EventKey, by: User) -> str | None:
            if key.revoked_at is not None:
                return str(_("Already revoked."))
            revoke_key(key)
            return None

        act_on_each(request, queryset, act, history=str(_("Revoked.")))


class AliasForm(ModelForm):
    def clean(self) -> dict[str, Any]:
        fields = super().clean() or self.cleaned_data
        if "name" in fields and "kind" in fields:
            fields["name"] = normalise(fields["kind"], fields["name"])
            if Alias.objects.filter(name=fields["name"], verified_at__isnull=False).exists():
                raise ValidationError({"name": _("Another conference has this name; delete that one first.")})
        return fields


@admin.register(Alias)
class AliasAdmin(OfMembers):
    """Aliases. What staff adds here is the conference's at once: staff has checked whose it is."""

    form = AliasForm
    list_display = ["name", "kind", "conference", "verified_at", "created_by", "check_problem"]
    list_filter = ["kind", ("verified_at", admin.EmptyFieldListFilter)]
    list_select_related = ["conference", "created_by"]
    search_fields = ["name", "conference__id__exact"]
    autocomplete_fields = ["conference"]
    fields = ["conference", "kind", "name"]
    actions = ["give"]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return obj is None and super().has_change_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: Alias, form: ModelForm, change: bool) -> None:
        obj.created_by = signed_in(request.user)
        super().save_model(request, obj, form, change)
        give_alias(obj)

    @admin.action(description=_("Give the name to the conference, unproved"), permissions=["change"])
    def give(self, request: HttpRequest, queryset: QuerySet[Alias]) -> None:
        def act(alias: Alias, by: User) -> None:
            give_alias(alias)

        act_on_each(request, queryset, act, history=str(_("Given by staff.")))
