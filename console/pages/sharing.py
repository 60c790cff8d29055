"""Share Tracking: who brought whom."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from conferences.access import Role
from conferences.models import Conference, Member
from console.access import conference_page
from console.selectors import share_figures
from console.selectors.not_credited import describe_rows
from console.selectors.people import name_sharers
from console.selectors.share_rows import ROW_HEIGHT, View, describe, make_boxes, make_rows
from console.selectors.share_search import find_links
from console.selectors.share_tree import LEVELS, Forest, Node, read_forest, walk
from console.shell import render_page
from meeteasy.core.paging import BadCursorError
from sharing.models import ShareLink
from sharing.rules.codes import key_of, keys_of
from sharing.rules.credit_models import CREDIT_MODELS, DEFAULT
from sharing.rules.reasons import REASON_LABELS, Reason
from sharing.selectors import credits as sums
from sharing.selectors.not_credited import get_not_credited_of, get_page
from sharing.selectors.tree import get_path

_NOT_CREDITED_A_PAGE = 50
_CRUMBS = 6


@require_safe
@conference_page(Role.VIEWER)
def sharing(request: HttpRequest, member: Member) -> HttpResponse:
    """The page: tiles, icicle, tree, leaderboard. Opening a branch fetches the tree again, as a link does."""
    conference = member.conference
    view = _read_view(request)
    tree = _build_tree(conference, view)
    context: dict[str, Any] = {
        "view": view, "tree": tree, "tiles": share_figures.count_all(conference),
        "all": share_figures.count_registrations(conference), "tab": "tree",
        **_read_sums(conference, request),
    }  # fmt: skip
    return render_page(request, "console/sharing.html", context, member=member, place="sharing")


@require_safe
@conference_page(Role.VIEWER)
def channels(request: HttpRequest, member: Member) -> HttpResponse:
    """Channels by their credit, with links and opens."""
    model = _read_model(request)
    context = {
        "channels": share_figures.read_channels(member.conference, model), "model": model,
        "models": _list_models(), "tab": "channels",
    }  # fmt: skip
    return render_page(request, "console/channels.html", context, member=member, place="sharing")


@require_safe
@conference_page(Role.VIEWER)
def not_credited(request: HttpRequest, member: Member) -> HttpResponse:
    """What got no credit, with the reason, the latest registration first."""
    reason = request.GET.get("reason", "")
    if reason and reason not in set(Reason):
        raise Http404("There is no such reason.")
    found = get_not_credited_of(member.conference, share_figures.ALL_DAYS, reason=reason)
    try:
        page, following = get_page(
            found, limit=_NOT_CREDITED_A_PAGE, cursor=request.GET.get("cursor", "")[:400]
        )
    except BadCursorError:
        raise Http404("There is no such page.") from None
    context = {
        "rows": describe_rows(member.conference, page), "next": following, "reason": reason,
        "reasons": REASON_LABELS.items(), "tab": "not",
    }  # fmt: skip
    return render_page(request, "console/not_credited.html", context, member=member, place="sharing")


def _read_view(request: HttpRequest) -> View:
    given = request.GET.get("open")
    opened = None if given is None else frozenset(code for code in given.split(",")[:100] if code)
    return View(
        root=request.GET.get("root", "")[:64], opened=opened, only_bringing=bool(request.GET.get("only")),
        query=request.GET.get("q", "").strip()[:200],
    )  # fmt: skip


def _build_tree(conference: Conference, view: View) -> dict[str, Any]:
    """Read the tree of a view. A search opens the path to what it found, from the level that shows it."""
    found = find_links(conference, view.query) if view.query else []
    path = get_path(found[0]) if found else []
    root = _find_root(conference, view.root)
    opened = None if view.opened is None else {key_of(conference.id, code) for code in view.opened}
    if path:
        root = path[-LEVELS] if len(path) > LEVELS else None
        opened = {link.id for link in path[:-1]}
    total = sums.get_totals(conference, share_figures.ALL_DAYS)["share_conversions"]
    forest = read_forest(conference, root=root, opened=opened, shown=path, total=total)
    people = name_sharers(conference, _sharers(forest, path, found))
    crumbs = [{"link": link, **describe(link, people)} for link in forest.path[-_CRUMBS:]]
    return {
        "rows": make_rows(forest, people, view, marked={link.id for link in found[:1]}),
        "boxes": make_boxes(forest, people, view),
        "icicle_height": ROW_HEIGHT * LEVELS,
        "crumbs": crumbs,
        "is_cut": len(forest.path) > _CRUMBS,
        "found": [{"link": link, **describe(link, people)} for link in found],
        "total": total,
    }


def _sharers(forest: Forest, path: list[ShareLink], found: list[ShareLink]) -> list[str]:
    """Return the sharers whose names a tree needs, those of visible rows first."""

    def all_below(nodes: list[Node]) -> list[Node]:
        return [*nodes, *(child for node in nodes for child in all_below(node.children))]

    visible = [node.link.sharer for node in walk(forest.nodes)]
    boxes = [node.link.sharer for node in all_below(forest.nodes) if node.total]
    return [*visible, *(link.sharer for link in (*forest.path, *path, *found)), *boxes]


def _find_root(conference: Conference, code: str) -> ShareLink | None:
    if not code:
        return None
    found = ShareLink.objects.filter(
        id__in=keys_of(conference.id, code), shared_ms__isnull=False
    ).first()  # fmt: skip
    if found is None:
        raise Http404("There is no such link.")
    return found


def _read_model(request: HttpRequest) -> str:
    model = request.GET.get("model", DEFAULT)
    if model not in CREDIT_MODELS:
        raise Http404("There is no such credit model.")
    return model


def _list_models() -> list[tuple[str, Any]]:
    return [(name, model.label) for name, model in CREDIT_MODELS.items()]


def _read_sums(conference: Conference, request: HttpRequest) -> dict[str, Any]:
    model = _read_model(request)
    return {
        "model": model, "models": _list_models(), "is_fractional": CREDIT_MODELS[model].is_fractional,
        "leaders": share_figures.read_leaderboard(conference, model),
    }  # fmt: skip
