"""The admin of share attribution for operators. It is read-only, because the worker owns all the data."""

import datetime as dt
from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import quote
from django.contrib.admin.views.main import SEARCH_VAR
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from conferences.admin.scoping import OfMembers, visible_ids
from meeteasy.core.admin import BoundedPaginator, ReadOnlyAdmin
from meeteasy.core.paging import BadCursorError
from sharing import admin_voids  # noqa: F401  it registers itself
from sharing.models import NotCredited, ShareClaim, ShareConversion, ShareLink
from sharing.rules.codes import code_of, key_of, keys_of
from sharing.rules.reasons import REASON_LABELS
from sharing.selectors.conversions import read_paths
from sharing.selectors.not_credited import get_not_credited, get_shown_reason
from sharing.selectors.opens import get_opened_by
from sharing.selectors.tree import get_level, get_path

_LEVEL_SIZE = 100
_OPENED_COLUMNS = (_("code"), _("first opened"), _("last opened"), _("times"))


def _when(instant: dt.datetime) -> str:
    """Format an instant as the admin formats datetime fields, with the time zone."""
    local = timezone.localtime(instant)
    return f"{date_format(local, 'DATETIME_FORMAT')} {local.tzname()}"


def _address(link_key: str) -> str:
    return reverse("admin:sharing_sharelink_change", args=[quote(link_key)])


class FlaggedFilter(admin.SimpleListFilter):
    title = _("flags")
    parameter_name = "flag"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("cycle", _("cycle refused")), ("contested", _("contested"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[ShareLink]) -> QuerySet[ShareLink]:
        field = {"cycle": "closes_cycle", "contested": "is_contested"}.get(self.value() or "")
        return queryset.filter(**{field: True}) if field else queryset


@admin.register(ShareLink)
class ShareLinkAdmin(OfMembers, ReadOnlyAdmin):
    # As many columns as fit on a screen beside the filters; the link's own page has all of them.
    list_display = [
        "code", "tree_link", "conference_id", "sharer", "label", "channel", "opens", "child_count", "direct",
        "assisted", "subtree_conversions", "flags",
    ]  # fmt: skip
    list_filter = [FlaggedFilter, "is_minted"]
    search_fields = ["code__exact", "sharer__exact", "label", "conference_id__exact"]
    search_help_text = _("A whole code, visitor id or conference id, or part of a label.")
    paginator = BoundedPaginator
    show_full_result_count = False
    ordering = ["-id"]
    change_list_template = "admin/sharing/sharelink/change_list.html"

    fields = [
        "code", "conference_id", "sharer", "sharer_user", "label", "channel", "target_url", "is_minted",
        "is_proven", "is_automatic", "is_void",
        "shared_at", "way_up", "tree_link", "claimed_parent", "closes_cycle", "is_contested", "opens",
        "openers", "child_count", "direct", "assisted", "subtree_links", "subtree_conversions", "claims",
    ]  # fmt: skip

    @admin.display(description=_("first shared"), ordering="shared_ms")
    def shared_at(self, link: ShareLink) -> str:
        return "-" if link.first_shared_at is None else _when(link.first_shared_at)

    @admin.display(description=_("flags"))
    def flags(self, link: ShareLink) -> str:
        flags = {_("cycle refused"): link.closes_cycle, _("contested"): link.is_contested}
        return ", ".join(str(label) for label, is_set in flags.items() if is_set) or "-"

    @admin.display(description=_("tree"))
    def tree_link(self, link: ShareLink) -> SafeString:
        url = f"{reverse('admin:sharing_tree')}?root={link.id}"
        return format_html('<a href="{}">{}</a>', url, _("open"))

    @admin.display(description=_("from the root"))
    def way_up(self, link: ShareLink) -> SafeString:
        """The nearest 50 links of the path up, which may have thousands."""
        links = get_path(link, limit=50)
        return format_html_join(
            " → ",
            '<a href="{}">{}</a>',
            ((_address(item.pk), item.code) for item in links),
        )

    @admin.display(description=_("claims to it"))
    def claims(self, link: ShareLink) -> SafeString:
        """The first 50 claims to the code. Claims by others than its sharer were refused."""
        claims = ShareClaim.objects.filter(link_key=link.id)
        found = claims.order_by("received_ms", "ms", "id")[:50]
        return format_html_join(
            "", "<div>{} · {} · {}</div>",
            ((_when(item.claimed_at), item.sharer, item.parent_key.partition("/")[2]) for item in found),
        )  # fmt: skip

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.tree_view)
        return [path("tree/", view, name="sharing_tree"), *super().get_urls()]

    def tree_view(self, request: HttpRequest) -> HttpResponse:
        """The tree of a conference or below a link. The page fetches each level when it is opened."""
        if not self.has_view_permission(request):
            raise Http404
        root = self.get_queryset(request).filter(id=request.GET.get("root", "")).first()
        conference_id = root.conference_id if root else request.GET.get("conference_id", "")
        ids = visible_ids(request.user)
        if ids is not None and conference_id and conference_id not in ids:
            raise Http404
        try:
            links, following = get_level(
                conference_id,
                None if root is None else root.id,
                limit=_LEVEL_SIZE,
                cursor=request.GET.get("cursor", ""),
            )
        except BadCursorError:
            raise Http404 from None
        context = {
            **self.admin_site.each_context(request),
            "title": _("Share tree"),
            "opts": self.model._meta,
            "conference_id": conference_id,
            "root": root,
            "links": links,
            "next": following,
        }
        part = "level" if request.GET.get("part") else "tree"
        return TemplateResponse(request, f"admin/sharing/sharelink/{part}.html", context)


@admin.register(ShareConversion)
class ShareConversionAdmin(OfMembers, ReadOnlyAdmin):
    list_display = ["registration", "conference_id", "direct_link", "registered_at", "is_reported"]
    search_fields = ["registration__id__exact", "conference_id__exact", "nearest__id__exact"]
    search_help_text = _("A conference id, “conference id/registration id” or “conference id/code”; whole.")
    paginator = BoundedPaginator
    show_full_result_count = False
    ordering = ["-registered_ms"]
    fields = [
        "registration",
        "conference_id",
        "direct_link",
        "registered_at",
        "chain",
        "not_credited",
        "opened",
    ]

    @admin.display(description=_("registration"), ordering="registration_id")
    def registration(self, conversion: ShareConversion) -> str:
        return conversion.registration_id.partition("/")[2]

    @admin.display(description=_("direct link"), ordering="nearest_id")
    def direct_link(self, conversion: ShareConversion) -> SafeString:
        key = conversion.nearest_id
        return format_html('<a href="{}">{}</a>', _address(key), code_of(key))

    @admin.display(description=_("registered at"), ordering="registered_ms")
    def registered_at(self, conversion: ShareConversion) -> str:
        return _when(conversion.registered_at)

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> ShareConversion | None:
        """Add `path`, the nearest places of the chain, which is read once for all fields that show it."""
        conversion = super().get_object(request, object_id, from_field)
        if conversion is not None:
            conversion.path = read_paths([conversion.registration_id])[conversion.registration_id]
        return conversion

    @admin.display(description=_("credited, nearest first"))
    def chain(self, conversion: ShareConversion) -> SafeString:
        path = conversion.path  # type: ignore[attr-defined]  # get_object
        rows = format_html_join(
            "", '<div>{}. <a href="{}">{}</a> · {} · {}</div>',
            (
                (
                    item.distance, _address(key_of(conversion.conference_id, item.code)), item.code,
                    item.sharer, _("direct") if item.is_direct else _("assisted"),
                )
                for item in path.credits
            ),
        )  # fmt: skip
        if path.next is None:
            return rows
        return format_html(
            "{}<div>… {}</div>", rows, _("The nearest 50 places; the API has the whole chain.")
        )

    @admin.display(description=_("not credited"))
    def not_credited(self, conversion: ShareConversion) -> SafeString | str:
        items = conversion.path.not_credited  # type: ignore[attr-defined]  # get_object
        rows = format_html_join(
            "", "<div>{}{} · {}</div>",
            (
                (
                    f"{item.distance}. " if item.distance else "", code_of(item.link_key),
                    REASON_LABELS[get_shown_reason(item)],
                )
                for item in items
            ),
        )  # fmt: skip
        return rows or "-"

    @admin.display(description=_("opened by the registrant"))
    def opened(self, conversion: ShareConversion) -> SafeString | str:
        rows = format_html_join(
            "", "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            (
                (item.code, _when(item.first_opened_at), _when(item.last_opened_at), item.count)
                for item in get_opened_by(conversion.conference_id, conversion.registration.visitor)
            ),
        )  # fmt: skip
        if not rows:
            return "-"
        names = format_html_join("", "<th>{}</th>", ((name,) for name in _OPENED_COLUMNS))
        return format_html(
            '<table class="inner"><thead><tr>{}</tr></thead><tbody>{}</tbody></table>', names, rows
        )


class ReasonFilter(admin.SimpleListFilter):
    """A filter by reason, only within a search: for a rare reason it would scan the whole table."""

    title = _("reason")
    parameter_name = "reason"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        if not request.GET.get(SEARCH_VAR, "").strip():
            return []  # hides the filter and ignores its parameter
        return [(str(reason), label) for reason, label in REASON_LABELS.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[NotCredited]) -> QuerySet[NotCredited]:
        reason = self.value()
        return queryset.filter(shown_reason=reason) if reason else queryset  # type: ignore[misc]  # annotated


@admin.register(NotCredited)
class NotCreditedAdmin(OfMembers, ReadOnlyAdmin):
    conference_path = "registration__conference_id"
    list_display = ["registration", "why", "code", "distance"]
    list_filter = [ReasonFilter]
    search_fields = ["registration__id"]  # has an index, see get_search_results
    search_help_text = _(
        "A conference id, “conference id/registration id” or “conference id/code”; whole. "
        "What is found can be filtered by reason."
    )
    paginator = BoundedPaginator
    show_full_result_count = False
    ordering = ["-id"]
    fields = ["registration", "code", "why", "distance"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[NotCredited]:
        return self.limit(request, get_not_credited())

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[NotCredited], search_term: str
    ) -> tuple[QuerySet[NotCredited], bool]:
        term = search_term.strip()
        if "/" in term:
            conference_id, _slash, code = term.partition("/")
            keys = keys_of(conference_id, code)
            return queryset.filter(Q(registration=term) | Q(link_key__in=keys)), False
        if not term:
            return queryset, False
        # Use the index of a conference's registrations instead of scanning the table until a page is full.
        return queryset.filter(registration__conference_id=term).order_by("-registration__ms", "-id"), False

    @admin.display(description=_("registration"), ordering="registration_id")
    def registration(self, item: NotCredited) -> str:
        return item.registration_id

    @admin.display(description=_("code"), ordering="link_key")
    def code(self, item: NotCredited) -> SafeString:
        """The code as sent, which may be one long word."""
        return format_html('<span class="long">{}</span>', code_of(item.link_key))

    @admin.display(description=_("reason"), ordering="reason")
    def why(self, item: NotCredited) -> str:
        return str(REASON_LABELS[get_shown_reason(item)])
