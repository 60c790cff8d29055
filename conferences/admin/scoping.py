"""Which rows of conferences staff see: superusers all, others those of the conferences that they are in."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import ValidationError
from django.db.models import ForeignKey, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _

from conferences.access import Role, visible_conferences
from conferences.models import Conference

_COLUMNS = frozenset({"conference", "conference_id"})


class OfMembers(admin.ModelAdmin):
    """Rows of conferences. What staff may do with the rows that they see, their permissions say.

    conference_path: the look-up from a row to its conference's id.
    """

    conference_path = "conference_id"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return self.limit(request, super().get_queryset(request))

    def limit(self, request: HttpRequest, rows: QuerySet[Any]) -> QuerySet[Any]:
        """Return those of the rows that the user may see."""
        ids = visible_ids(request.user)
        return rows if ids is None else rows.filter(**{f"{self.conference_path}__in": ids})

    def get_list_display(self, request: HttpRequest) -> list[Any] | tuple[Any, ...]:
        """Leave the conference out of a list of one conference's rows, where each would repeat it."""
        columns = super().get_list_display(request)
        if not _is_of_one_conference(request):
            return columns
        return [column for column in columns if column not in _COLUMNS]

    def formfield_for_foreignkey(self, db_field: ForeignKey, request: HttpRequest, **kwargs: Any) -> Any:
        ids = visible_ids(request.user)
        if ids is not None and db_field.related_model is Conference:
            kwargs["queryset"] = Conference.objects.filter(id__in=ids)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """Refuse a conference id, where it is a text, of a conference that the user does not see."""
        form = super().get_form(request, obj, change, **kwargs)
        ids = visible_ids(request.user)
        if ids is None or "conference_id" not in form.base_fields:
            return form

        def clean_conference_id(self: Any) -> str:
            conference_id: str = self.cleaned_data["conference_id"]
            if conference_id not in ids:
                raise ValidationError(_("There is no such conference."))
            return conference_id

        return type(form.__name__, (form,), {"clean_conference_id": clean_conference_id})


def visible_ids(user: User | AnonymousUser) -> list[str] | None:
    """Return the ids of the conferences whose rows a staff user may see; None: of all."""
    if user.is_superuser:
        return None
    # A list, no subquery: events and summaries may be in another database.
    return list(visible_conferences(user, role=Role.VIEWER).values_list("id", flat=True))


def _is_of_one_conference(request: HttpRequest) -> bool:
    if any("conference" in name and name.endswith("__exact") for name in request.GET):
        return True
    ids = visible_ids(request.user)
    return ids is not None and len(ids) == 1
