"""What operators see of share attribution. The worker owns all of it: it is read here, not edited."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from analytics.admin import BoundedPaginator, ReadOnlyAdmin
from sharing.attribution import REASON_LABELS
from sharing.models import NotCredited, ShareClaim, ShareConversion, ShareLink
from sharing.selectors.conversions import conversion_rows
from sharing.selectors.paging import BadCursorError
from sharing.selectors.refusals import get_refusals, refusal_row
from sharing.selectors.tree import get_level, get_path

_LEVEL_SIZE = 100


class FlaggedFilter(admin.SimpleListFilter):
    title = _("flags")
    parameter_name = "flag"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("cycle", _("cycle refused")), ("contested", _("contested"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[ShareLink]) -> QuerySet[ShareLink]:
        field = {"cycle": "closes_cycle", "contested": "is_contested"}.get(self.value() or "")
        return queryset.filter(**{field: True}) if field else queryset


@admin.register(ShareLink)
class ShareLinkAdmin(ReadOnlyAdmin):
    list_display = [
        "code", "conference_id", "sharer", "label", "channel", "tree_link", "opens", "openers", "shared_on",
        "direct", "assisted", "subtree_links", "subtree_conversions", "closes_cycle", "is_contested",
    ]  # fmt: skip
    list_filter = [FlaggedFilter, "is_minted"]
    search_fields = ["code__exact", "sharer__exact", "label", "conference_id__exact"]
    search_help_text = _("A whole code, visitor id or conference id, or part of a label.")
    paginator = BoundedPaginator
    show_full_result_count = False
    ordering = ["-id"]
    change_list_template = "admin/sharing/sharelink/change_list.html"

    def get_fields(self, request: HttpRequest, obj: ShareLink | None = None) -> list[str]:  # type: ignore[override]
        names = [field.name for field in ShareLink._meta.concrete_fields if field.name != "parent"]
        return [*names, "first_shared_at", "way_up", "tree_link", "claims"]

    def get_readonly_fields(self, request: HttpRequest, obj: ShareLink | None = None) -> list[str]:
        return self.get_fields(request, obj)

    @admin.display(description=_("tree"))
    def tree_link(self, link: ShareLink) -> SafeString:
        url = f"{reverse('admin:sharing_tree')}?root={link.id}"
        return format_html('<a href="{}">{}</a>', url, _("open"))

    @admin.display(description=_("from the root"))
    def way_up(self, link: ShareLink) -> SafeString:
        """The nearest 50 of the way: a chain may have thousands."""
        links = get_path(link, limit=50)
        return format_html_join(
            " → ",
            '<a href="{}">{}</a>',
            ((reverse("admin:sharing_sharelink_change", args=[item.pk]), item.code) for item in links),
        )

    @admin.display(description=_("claims to it"))
    def claims(self, link: ShareLink) -> SafeString:
        """Who claimed the code, the first 50; whoever is not its sharer was refused."""
        found = ShareClaim.objects.filter(link_key=link.id).order_by("ms", "event_id")[:50]
        return format_html_join(
            "", "<div>{} · {} · {}</div>",
            ((item.claimed_at.isoformat(), item.sharer, item.parent_key.partition("/")[2]) for item in found),
        )  # fmt: skip

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.tree_view)
        return [path("tree/", view, name="sharing_tree"), *super().get_urls()]

    def tree_view(self, request: HttpRequest) -> HttpResponse:
        """The tree of a conference, or below a link; each level is fetched when it is opened."""
        if not self.has_view_permission(request):
            raise Http404
        root = ShareLink.objects.filter(id=request.GET.get("root", "")).first()
        conference_id = root.conference_id if root else request.GET.get("conference_id", "")
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
class ShareConversionAdmin(ReadOnlyAdmin):
    list_display = ["registrant_id", "conference_id", "nearest_id", "frozen_at"]
    search_fields = ["registrant__id__exact", "conference_id__exact", "nearest__id__exact"]
    search_help_text = _("`conference id`, `conference id/registration id` or `conference id/code`; whole.")
    paginator = BoundedPaginator
    show_full_result_count = False
    ordering = ["-frozen_ms"]
    fields = ["registrant_id", "conference_id", "nearest_id", "frozen_at", "chain", "refused"]
    readonly_fields = ["registrant_id", "conference_id", "nearest_id", "frozen_at", "chain", "refused"]

    @admin.display(description=_("credited, nearest first"))
    def chain(self, conversion: ShareConversion) -> SafeString:
        credits = conversion_rows([conversion])[0]["credits"]
        return format_html_join(
            "", "<div>{}. {} · {} · {}</div>",
            ((item["distance"], item["code"], item["sharer"], item["kind"]) for item in credits),
        )  # fmt: skip

    @admin.display(description=_("not credited"))
    def refused(self, conversion: ShareConversion) -> SafeString:
        items = conversion_rows([conversion])[0]["not_credited"]
        return format_html_join(
            "", "<div>{} · {}</div>", ((item["code"], item["message"]) for item in items)
        )  # fmt: skip


class ReasonFilter(admin.SimpleListFilter):
    title = _("reason")
    parameter_name = "reason"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(str(reason), label) for reason, label in REASON_LABELS.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[NotCredited]) -> QuerySet[NotCredited]:
        reason = self.value()
        return queryset.filter(shown_reason=reason) if reason else queryset  # type: ignore[misc]  # annotated


@admin.register(NotCredited)
class NotCreditedAdmin(ReadOnlyAdmin):
    list_display = ["registrant_id", "link_key", "why", "distance"]
    list_filter = [ReasonFilter]
    search_fields = ["registrant__id__exact", "registrant__conference_id__exact", "link_key__exact"]
    search_help_text = _("`conference id`, `conference id/registration id` or `conference id/code`; whole.")
    paginator = BoundedPaginator
    show_full_result_count = False
    ordering = ["-id"]
    fields = ["registrant_id", "link_key", "why", "distance"]
    readonly_fields = ["registrant_id", "link_key", "why", "distance"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[NotCredited]:
        return get_refusals()

    @admin.display(description=_("reason"), ordering="reason")
    def why(self, item: NotCredited) -> str:
        return str(refusal_row(item)["message"])
