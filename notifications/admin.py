"""The outbox in the admin: the status of every message, resending, aborting and previews."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from conferences.admin.scoping import OfMembers
from conferences.models import Conference
from meeteasy.core.admin import NothingToSave
from notifications.channels import CHANNELS
from notifications.message_types import MESSAGE_TYPES
from notifications.models import Announcement, Notification, Suppression
from notifications.previews import answer_framed, list_previews, preview_row, preview_sample
from notifications.selectors.outages import list_outages
from notifications.services import announcing, outbox


class _RegistryFilter(admin.SimpleListFilter):
    """A filter by the keys of a registry. It does not scan the table for existing values."""

    def members(self) -> dict[str, Any]:
        raise NotImplementedError

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(key, member.label) for key, member in self.members().items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Notification]) -> QuerySet[Notification]:
        wanted = {str(self.parameter_name): self.value()}
        return queryset.filter(**wanted) if self.value() else queryset


class MessageTypeFilter(_RegistryFilter):
    title = _("message type")
    parameter_name = "message_type"

    def members(self) -> dict[str, Any]:
        return dict(MESSAGE_TYPES.items())


class ChannelFilter(_RegistryFilter):
    title = _("channel")
    parameter_name = "channel"

    def members(self) -> dict[str, Any]:
        return dict(CHANNELS.items())


@admin.register(Notification)
class NotificationAdmin(OfMembers, NothingToSave):
    """The outbox. It is read-only, because the worker owns the table; staff use actions."""

    list_display = [
        "recipient", "message_type_label", "status", "last_error_line", "created_at", "channel_label",
        "attempts", "conference_id",
    ]  # fmt: skip
    list_filter = ["status", ChannelFilter, MessageTypeFilter]
    search_fields = ["=recipient", "=conference_id", "=registration_id", "=provider_id"]
    search_help_text = _(
        "A whole address, or the id of a conference, a registration or a provider's message."
    )
    show_full_result_count = False
    actions = ["resend", "abort"]
    change_list_template = "notifications/admin/change_list.html"
    readonly_fields = [
        "message_type", "channel", "recipient", "language", "conference_id", "registration_id", "status",
        "attempts", "last_error", "scheduled_for", "lease_until", "called_at", "provider",
        "provider_id", "created_at", "updated_at", "sent_at", "delivered_at", "sent_text", "preview",
    ]  # fmt: skip
    fields = tuple(readonly_fields)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        for outage in list_outages(needs_attention=True):
            label = CHANNELS[outage.channel].label if outage.channel in CHANNELS else outage.channel
            text = _("%(channel)s: the provider refuses us, and messages wait. %(error)s")
            messages.error(request, text % {"channel": label, "error": outage.error})
        return super().changelist_view(request, extra_context)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description=_("message type"), ordering="message_type")
    def message_type_label(self, row: Notification) -> str:
        found = MESSAGE_TYPES.get(row.message_type)
        return str(found.label) if found else row.message_type

    @admin.display(description=_("channel"), ordering="channel")
    def channel_label(self, row: Notification) -> str:
        found = CHANNELS.get(row.channel)
        return str(found.label) if found else row.channel

    @admin.display(description=_("last error"))
    def last_error_line(self, row: Notification) -> str:
        return row.last_error.partition("\n")[0][:120]

    @admin.display(description=_("as the recipient sees it"))
    def preview(self, row: Notification) -> SafeString:
        return format_html(
            '<iframe sandbox class="mail" src="{}" title="{}"></iframe>',
            reverse("admin:notifications_notification_render", args=[row.pk]),
            _("as the recipient sees it"),
        )

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("preview/", view(self.previews_view), name="notifications_notification_previews"),
            path(
                "preview/<str:message_type>/<str:channel>/<str:language>/",
                view(self.sample_view),
                name="notifications_notification_sample",
            ),
            path(
                "<uuid:pk>/render/",
                view(self.render_view),
                name="notifications_notification_render",
            ),
            *super().get_urls(),
        ]

    def previews_view(self, request: HttpRequest) -> HttpResponse:
        """Show every message type in every language, with sample data."""
        if not self.has_view_permission(request):
            raise Http404
        context = {
            **self.admin_site.each_context(request),
            "title": _("Previews"),
            "opts": self.opts,
            "previews": list_previews(),
        }
        return render(request, "notifications/admin/previews.html", context)

    def sample_view(
        self, request: HttpRequest, message_type: str, channel: str, language: str
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise Http404
        return answer_framed(preview_sample(message_type=message_type, channel=channel, language=language))

    def render_view(self, request: HttpRequest, pk: Any) -> HttpResponse:
        row = self.get_queryset(request).filter(pk=pk).first()
        if row is None or not self.has_view_permission(request, row):
            raise Http404
        return answer_framed(preview_row(row))

    @admin.action(description=_("Send again"), permissions=["change"])
    def resend(self, request: HttpRequest, queryset: QuerySet[Notification]) -> None:
        done, refused = _act_on(queryset, outbox.resend, request)
        text = ngettext("%d message will be sent again.", "%d messages will be sent again.", done)
        _report(request, text % done, refused)

    @admin.action(description=_("Abort (do not send)"), permissions=["change"])
    def abort(self, request: HttpRequest, queryset: QuerySet[Notification]) -> None:
        done, refused = _act_on(queryset, outbox.abort, request)
        text = ngettext("%d message was aborted.", "%d messages were aborted.", done)
        _report(request, text % done, refused)


def _act_on(
    queryset: QuerySet[Notification], action: Callable[..., None], request: HttpRequest
) -> tuple[int, int]:
    """Act on each notification. Returns (done, refused)."""
    done = refused = 0
    for pk in queryset.values_list("pk", flat=True):
        try:
            action(pk, by=request.user)
            done += 1
        except outbox.WrongStatusError:
            refused += 1
    return done, refused


def _report(request: HttpRequest, text: str, refused: int) -> None:
    messages.success(request, text)
    if refused:
        text = ngettext(
            "%d message is not in a state that allows this.",
            "%d messages are not in a state that allows this.",
            refused,
        )
        messages.warning(request, text % refused)


@admin.register(Announcement)
class AnnouncementAdmin(OfMembers):
    """Announcements. Adding one notifies all registrants and cannot be undone, so there are no actions."""

    list_display = ["created_at", "conference_id", "kind", "created_by", "written", "finished_at"]
    list_filter = ["kind"]
    search_fields = ["=conference_id"]
    search_help_text = _("A whole conference id.")
    show_full_result_count = False
    fields = ("conference_id", "kind")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_form(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        return super().get_form(request, *args, form=_AnnouncementForm, **kwargs)

    def save_model(self, request: HttpRequest, obj: Announcement, form: Any, change: bool) -> None:
        announced = announcing.announce(form.conference, obj.kind, by=request.user)
        obj.pk = announced.announcement.pk
        if not announced.created:
            messages.warning(request, _("This was announced before; nobody gets a second message."))


class _AnnouncementForm(forms.ModelForm):
    class Meta:
        model = Announcement
        fields = ("conference_id", "kind")

    conference: Conference

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        conference = Conference.objects.filter(pk=cleaned.get("conference_id", "")).first()
        if conference is None:
            raise forms.ValidationError({"conference_id": _("There is no such conference.")})
        if cleaned.get("kind") == Announcement.Kind.MOVED and conference.starts_at is None:
            raise forms.ValidationError(
                {"conference_id": _("The conference has no date that could be announced.")}
            )
        self.conference = conference
        return cleaned


@admin.register(Suppression)
class SuppressionAdmin(OfMembers):
    list_display = ["address", "channel", "scope", "conference_id", "reason", "created_at"]
    list_filter = ["channel", "scope", "reason"]
    search_fields = ["=address", "=conference_id"]
