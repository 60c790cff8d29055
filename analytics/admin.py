"""What operators see of the analytics. The worker owns these tables: they are read here, not edited."""

from collections.abc import Callable
from typing import Any, cast

from django.contrib import admin, messages
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from analytics import dead_letters
from analytics.event_types import EVENT_TYPES
from analytics.figures import figure_names
from analytics.models import DailySummary, DeadLetter, DirtyDay, Event, UnclaimedConference
from analytics.tasks import refresh_dirty_days


class ReadOnlyAdmin(admin.ModelAdmin):
    class Media:
        css = {"all": ["analytics/admin.css"]}

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_operate_permission(self, request: HttpRequest) -> bool:
        """Who may use the actions: not everybody who may look, but who may change the model elsewhere."""
        opts = self.opts
        return request.user.has_perm(f"{opts.app_label}.change_{opts.model_name}")


class BoundedPaginator(Paginator):
    """Counts no more rows than an operator would page through; those beyond are found by a filter."""

    MAX_ROWS = 10_000

    @cached_property
    def count(self) -> int:
        rows = cast("QuerySet[Event]", self.object_list)
        return len(rows.order_by().values_list("pk", flat=True)[: self.MAX_ROWS + 1])


class TypeFilter(admin.SimpleListFilter):
    """By event type, from the catalogue: no scan of the events for the values there are."""

    title = _("type")
    parameter_name = "type"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, gettext(event_type.label)) for name, event_type in EVENT_TYPES.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Event]) -> QuerySet[Event]:
        return queryset.filter(type=self.value()) if self.value() else queryset


@admin.register(Event)
class EventAdmin(ReadOnlyAdmin):
    list_display = ["event_id", "type_label", "conference_id", "ts", "local_date", "visitor_id", "is_bot"]
    list_filter = [TypeFilter, "is_bot"]
    # Not `=event_id`: that is iexact, which no index serves.
    search_fields = ["event_id__exact", "conference_id__exact", "visitor_id__exact"]
    search_help_text = _("A whole event id, conference id or visitor id.")
    paginator = BoundedPaginator
    show_full_result_count = False  # counting ten million rows for a page of a hundred
    ordering = ["-event_id"]  # the primary key; ids are time-ordered unless a client makes random ones

    @admin.display(description=_("type"))
    def type_label(self, event: Event) -> str:
        event_type = EVENT_TYPES.get(event.type)
        return gettext(event_type.label) if event_type else event.type


def _figure_column(name: str) -> Callable[[DailySummary], int]:
    @admin.display(description=name.replace("_", " "))
    def figure(summary: DailySummary) -> int:
        return int(summary.figures.get(name, 0))

    return figure


@admin.register(DailySummary)
class DailySummaryAdmin(ReadOnlyAdmin):
    search_fields = ["=conference_id"]
    ordering = ["-date", "conference_id"]

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        """A column per figure, as the catalogue and the apps define them."""
        return ["conference_id", "date", *map(_figure_column, figure_names()), "revision", "closed_at"]


@admin.register(DirtyDay)
class DirtyDayAdmin(ReadOnlyAdmin):
    list_display = ["conference_id", "local_date", "marked_at"]
    search_fields = ["=conference_id"]
    ordering = ["marked_at"]
    actions = ["compute_now"]

    @admin.action(description=_("Compute dirty days now"), permissions=["operate"])
    def compute_now(self, request: HttpRequest, queryset: QuerySet[DirtyDay]) -> None:
        refresh_dirty_days.delay()
        messages.success(request, _("The workers were asked to compute them."))


@admin.register(UnclaimedConference)
class UnclaimedConferenceAdmin(ReadOnlyAdmin):
    list_display = ["conference_id", "first_seen_at"]
    search_fields = ["=conference_id"]


@admin.register(DeadLetter)
class DeadLetterAdmin(ReadOnlyAdmin):
    list_display = ["id", "event_count", "deliveries", "last_line", "created_at", "replayed_at"]
    search_fields = ["id", "error"]
    actions = ["replay"]
    fields = [
        "entry_id",
        "version",
        "event_count",
        "deliveries",
        "error",
        "payload_text",
        "created_at",
        "replayed_at",
    ]

    @admin.display(description=_("error"))
    def last_line(self, letter: DeadLetter) -> str:
        lines = letter.error.strip().splitlines()
        return lines[-1][:200] if lines else ""

    @admin.display(description=_("payload"))
    def payload_text(self, letter: DeadLetter) -> str:
        return bytes(letter.payload).decode("utf-8", "backslashreplace")[:20_000]

    @admin.action(description=_("Replay: put back into the queue"), permissions=["operate"])
    def replay(self, request: HttpRequest, queryset: QuerySet[DeadLetter]) -> None:
        letters = list(queryset)
        for letter in letters:
            dead_letters.replay(letter)
        text = ngettext("%d dead letter was put back.", "%d dead letters were put back.", len(letters))
        messages.success(request, text % len(letters))
