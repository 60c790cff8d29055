"""A share link: who brought it, whom it brought, its QR code and poster; voiding; new campaign links."""

from django import forms
from django.contrib import messages
from django.core.validators import RegexValidator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from conferences.access import Role, signed_in
from conferences.models import Conference, Member
from console.access import conference_page
from console.selectors.people import name_sharers
from console.selectors.person import read_brought
from console.selectors.share_rows import describe
from console.shell import render_page, zone_of
from meeteasy.core.errors import RefusedError
from sharing.addresses import share_url
from sharing.models import ShareLink, Void
from sharing.qr import draw_qr
from sharing.rules.codes import CODE_PATTERN, keys_of
from sharing.selectors.tree import get_path
from sharing.services import minting, voiding

_BROUGHT = 50
_KINDS = {"svg": "image/svg+xml", "png": "image/png"}


class NewLinkForm(forms.Form):
    label = forms.CharField(
        label=gettext_lazy("What it is for"), max_length=200,
        help_text=gettext_lazy("Shown in the tree, e.g. Autumn newsletter, poster at gate 3."),
    )  # fmt: skip
    channel = forms.CharField(
        label=gettext_lazy("Channel"), max_length=64, required=False,
        widget=forms.TextInput(attrs={"list": "channels"}),
        help_text=gettext_lazy("Where it will be: newsletter, poster, wechat …"),
    )  # fmt: skip
    code = forms.CharField(
        label=gettext_lazy("Code in the address"), max_length=16, required=False,
        validators=[RegexValidator(CODE_PATTERN, gettext_lazy("4 to 16 letters, digits, “-” or “_”."))],
        help_text=gettext_lazy("Empty: a random one."),
    )  # fmt: skip


@require_safe
@conference_page(Role.VIEWER)
def link(request: HttpRequest, member: Member, code: str) -> HttpResponse:
    """A link: its path from the root, its counters, the people whom it brought directly."""
    conference = member.conference
    found = _find(conference, code)
    path = get_path(found, limit=20)
    brought = read_brought(conference, [found.id], limit=_BROUGHT)
    people = name_sharers(conference, [item.sharer for item in path])
    voids = Void.objects.filter(conference_id=conference.id, key__in=[found.code, found.sharer])
    context = {
        "link": found, **describe(found, people), "url": share_url(found),
        "path": [{"link": item, **describe(item, people)} for item in path],
        "below": max(0, found.subtree_conversions - found.direct), "brought": brought,
        "is_cut": found.direct > len(brought), "voids": voids.order_by("-id")[:20],
        "is_link_void": any(void.undone_at is None and void.kind == Void.Kind.LINK for void in voids),
        "is_sharer_void": any(void.undone_at is None and void.kind == Void.Kind.SHARER for void in voids),
    }  # fmt: skip
    return render_page(request, "console/share_link.html", context, member=member, place="sharing")


@conference_page(Role.HELPER)
@require_http_methods(["GET", "HEAD", "POST"])
def new_link(request: HttpRequest, member: Member) -> HttpResponse:
    """A campaign link for a poster, a newsletter, a partner."""
    form = NewLinkForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = minting.mint_link(
                member.conference, owner=signed_in(request.user), label=form.cleaned_data["label"],
                channel=form.cleaned_data["channel"], code=form.cleaned_data["code"],
            )  # fmt: skip
        except minting.CodeTakenError:
            form.add_error("code", _("This code is taken."))
        else:
            messages.success(request, _("The link was created."))
            return redirect("console-share-link", member.conference_id, made.code)
    return render_page(request, "console/new_link.html", {"form": form}, member=member, place="sharing")


@require_safe
@conference_page(Role.VIEWER)
def qr(request: HttpRequest, member: Member, code: str, kind: str) -> HttpResponse:
    """The QR code of a link, as a picture for print."""
    if kind not in _KINDS:
        raise Http404("There is no such kind of picture.")
    found = _find(member.conference, code)
    answer = HttpResponse(draw_qr(found, kind=kind), content_type=_KINDS[kind])
    if "download" in request.GET:
        answer["Content-Disposition"] = f'attachment; filename="{member.conference_id}-{found.code}.{kind}"'
    return answer


@require_safe
@conference_page(Role.VIEWER)
def poster(request: HttpRequest, member: Member, code: str) -> HttpResponse:
    """A page to print: what, when, where, and the code."""
    found = _find(member.conference, code)
    context = {"link": found, "url": share_url(found), "zone": zone_of(member.conference)}
    return render_page(request, "console/poster.html", context, member=member, place="sharing")


@require_POST
@conference_page(Role.OWNER)
def void(request: HttpRequest, member: Member, code: str) -> HttpResponse:
    """Take a link, its sharer or a registration out of the figures, or back in."""
    found = _find(member.conference, code)
    kind = request.POST.get("kind", "")
    key = {
        Void.Kind.LINK: found.code, Void.Kind.SHARER: found.sharer,
        Void.Kind.REGISTRATION: request.POST.get("registration", "")[:64],
    }.get(kind)  # type: ignore[call-overload]  # fmt: skip
    if key is None:
        raise Http404("There is nothing of this kind to void.")
    by, reason = signed_in(request.user), request.POST.get("reason", "").strip()[:500]
    try:
        if request.POST.get("undo"):
            voiding.undo_void(member.conference, kind=kind, key=key, by=by)
            messages.success(request, _("It counts again."))
        elif not reason:
            messages.error(request, _("Say why: the reason stays in the history."))
        else:
            voiding.void(member.conference, kind=kind, key=key, reason=reason, by=by)
            messages.success(request, _("It does not count any more."))
    except RefusedError as error:
        messages.error(request, error.message)
    return redirect("console-share-link", member.conference_id, found.code)


def _find(conference: Conference, code: str) -> ShareLink:
    found = ShareLink.objects.filter(id__in=keys_of(conference.id, code)).first()
    if found is None:
        raise Http404("There is no such link.")
    return found
