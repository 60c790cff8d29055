"""Admin pages of analytics. The worker owns these tables, so operators only read them here."""

import datetime as dt
from collections.abc import Callable
from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.views.main import SEARCH_VAR
from django.core.paginator import Page
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from redis.exceptions import RedisError

from analytics import admin_held  # noqa: F401  it registers itself
from analytics.days.dirty import mark_days_dirty
from analytics.days.figures import figure_names
from analytics.event_types import EVENT_TYPES
from analytics.ingest.rules import LISTS, check_rules
from analytics.models import (
    DailySummary,
    DeadLetter,
    DirtyDay,
    DoorRules,
    Event,
    UnclaimedConference,
)
from analytics.stream import dead_letters
from analytics.tasks import refresh_dirty_days
from conferences.admin.scoping import OfMembers
from meeteasy.core.admin import BoundedPaginator, ReadOnlyAdmin
from meeteasy.core.jobs import wake

# Of how many days one action asks for the figures.
MAX_DAYS_AT_ONCE = 1_000


class LatestIdsFirst(BoundedPaginator):
    """Pages of events in the order of the primary key: an index by time would be written with every event.

    Ids that begin with their time (UUIDv7, as our SDK and the server make them) come first, the latest on
    top. Ids behind them in the alphabet follow: random ones, those of imported lines and of own events.
    """

    # Clocks of clients are fast at times. Of ten million random ids some three fall into a day.
    _FAST = dt.timedelta(days=1)

    def page(self, number: int | str) -> Page[Event]:
        number = self.validate_number(number)
        start = (number - 1) * self.per_page
        events = cast("QuerySet[Event]", self.object_list).order_by("-id")
        bound = f"{round((timezone.now() + self._FAST).timestamp() * 1000):012x}"
        bound = f"{bound[:8]}-{bound[8:]}"  # as a UUID begins
        timed, others = events.filter(id__lt=bound), events.filter(id__gte=bound)
        rows = list(timed[start : start + self.per_page])
        missing = self.per_page - len(rows)
        if missing:
            skipped = start - len(timed.values_list("pk")[:start])
            rows += others[skipped : skipped + missing]
        return Page(rows, number, self)


class TypeFilter(admin.SimpleListFilter):
    """By event type, from the catalogue: no scan of the events for the values there are."""

    title = _("type")
    parameter_name = "type"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, gettext(event_type.label)) for name, event_type in EVENT_TYPES.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Event]) -> QuerySet[Event]:
        return queryset.filter(type=self.value()) if self.value() else queryset


@admin.register(Event)
class EventAdmin(OfMembers, ReadOnlyAdmin):
    list_display = [
        "event_id",
        "type_label",
        "happened_at",
        "conference_id",
        "local_date",
        "visitor_id",
        "is_bot",
        "hold",
    ]
    list_filter = [TypeFilter, "is_bot"]
    # Only what an index serves; see get_search_results.
    search_fields = ["id"]
    search_help_text = _(
        "An event id; a conference id, for its latest events first; or a conference id, a day and a visitor "
        "id, e.g. “summit 2026-05-01 v-7f3b”."
    )
    show_full_result_count = False  # counting ten million rows for a page of a hundred
    sortable_by = ()
    ordering = ["-ts", "-id"]  # of what fits on one page; see get_paginator

    def get_paginator(self, request: HttpRequest, queryset: Any, *args: Any, **kwargs: Any) -> Any:
        """What a search finds has an order of its own, which is kept."""
        paginator = BoundedPaginator if request.GET.get(SEARCH_VAR, "").strip() else LatestIdsFirst
        return paginator(queryset, *args, **kwargs)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Event], search_term: str
    ) -> tuple[QuerySet[Event], bool]:
        """A conference's latest day comes first, by time: the index of its days has that order but for a sort
        within each day."""
        term = search_term.strip()
        if not term:
            return queryset, False
        conference_id, day, visitor_id = [*term.split(maxsplit=2), "", "", ""][:3]
        if visitor_id and _is_date(day):
            events = queryset.filter(conference_id=conference_id, local_date=day, visitor_id=visitor_id)
        elif (found := _of_id(queryset, term)).exists():
            return found, False
        else:
            events = queryset.filter(conference_id=term)
        return events.order_by("-local_date", "-ts", "-id"), False

    @admin.display(description=_("event id"))
    def event_id(self, event: Event) -> str:
        return event.event_id

    @admin.display(description=_("event time (UTC)"))
    def happened_at(self, event: Event) -> dt.datetime:
        return event.ts

    @admin.display(description=_("type"))
    def type_label(self, event: Event) -> str:
        event_type = EVENT_TYPES.get(event.type)
        return gettext(event_type.label) if event_type else event.type


def _of_id(events: QuerySet[Event], event_id: str) -> QuerySet[Event]:
    """Events of this id, in whichever conference, or of this key."""
    of_key = events.filter(id=event_id)
    if of_key.exists():  # asked alone: for an OR, not every MongoDB uses the index
        return of_key
    return events.filter(id__gt=f"{event_id}/", id__lt=f"{event_id}0")  # "0" follows "/"


def _is_date(text: str) -> bool:
    try:
        return parse_date(text) is not None
    except ValueError:  # as of 2026-02-30
        return False


def _figure_column(name: str) -> Callable[[DailySummary], int]:
    @admin.display(description=name.replace("_", " "))
    def figure(summary: DailySummary) -> int:
        return int(summary.figures.get(name, 0))

    return figure


@admin.register(DailySummary)
class DailySummaryAdmin(OfMembers, ReadOnlyAdmin):
    actions = ["compute_again"]
    search_fields = ["conference_id__exact"]  # not "=", which is iexact: no index serves it
    ordering = ["-date", "conference_id"]

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        """A column per figure, as the catalogue and the apps define them."""
        return ["conference_id", "date", *map(_figure_column, figure_names()), "revision", "closed_at"]

    @admin.action(description=_("Compute again"), permissions=["operate"])
    def compute_again(self, request: HttpRequest, queryset: QuerySet[DailySummary]) -> None:
        """Mark the days, which the workers then count anew from the stored events."""
        days = list(queryset.order_by().values_list("conference_id", "date")[:MAX_DAYS_AT_ONCE])
        mark_days_dirty(days)
        wake(refresh_dirty_days)
        text = ngettext("The workers compute %d day again.", "The workers compute %d days again.", len(days))
        messages.success(request, text % len(days))


@admin.register(DirtyDay)
class DirtyDayAdmin(OfMembers, ReadOnlyAdmin):
    list_display = ["conference_id", "local_date", "marked_at"]
    search_fields = ["conference_id__exact"]
    ordering = ["marked_at"]
    actions = ["compute_now"]

    @admin.action(description=_("Compute dirty days now"), permissions=["operate"])
    def compute_now(self, request: HttpRequest, queryset: QuerySet[DirtyDay]) -> None:
        wake(refresh_dirty_days)
        messages.success(request, _("The workers were asked to compute them."))


@admin.register(UnclaimedConference)
class UnclaimedConferenceAdmin(ReadOnlyAdmin):
    list_display = ["conference_id", "first_seen_at"]
    search_fields = ["conference_id__exact"]


@admin.register(DeadLetter)
class DeadLetterAdmin(ReadOnlyAdmin):
    list_display = ["id", "event_count", "deliveries", "last_line", "created_at", "replayed_at"]
    list_filter = [("replayed_at", admin.EmptyFieldListFilter)]
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

    def get_queryset(self, request: HttpRequest) -> QuerySet[DeadLetter]:
        """Without the payloads, of half a megabyte each, which the list does not show."""
        found: QuerySet[DeadLetter] = super().get_queryset(request)
        return found.defer("payload")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """What cannot be stored in any way is deleted here; its events are lost then."""
        return admin.ModelAdmin.has_delete_permission(self, request, obj)

    @admin.display(description=_("error"))
    def last_line(self, letter: DeadLetter) -> str:
        lines = letter.error.strip().splitlines()
        return lines[-1][:200] if lines else ""

    @admin.display(description=_("payload"))
    def payload_text(self, letter: DeadLetter) -> str:
        return bytes(letter.payload).decode("utf-8", "backslashreplace")[:20_000]

    @admin.action(description=_("Replay: put back into the queue"), permissions=["operate"])
    def replay(self, request: HttpRequest, queryset: QuerySet[DeadLetter]) -> None:
        done = 0
        try:
            for letter in queryset:
                dead_letters.replay(letter)
                done += 1
        except RedisError:
            messages.error(request, _("The queue cannot be reached. Try again later."))
        if done:
            text = ngettext("%d dead letter was put back.", "%d dead letters were put back.", done)
            messages.success(request, text % done)


class DoorRulesForm(forms.ModelForm):
    def clean(self) -> dict[str, Any]:
        fields = super().clean() or {}
        if all(name in fields for name in LISTS):
            check_rules(**{name: fields[name] for name in LISTS})
        return fields


@admin.register(DoorRules)
class DoorRulesAdmin(OfMembers):
    form = DoorRulesForm
    list_display = [
        "conference_id",
        "allowed_origins",
        "origin_required",
        "blocked_networks",
        "blocked_pages",
    ]
    search_fields = ["conference_id"]
    search_help_text = _("A whole conference id.")
