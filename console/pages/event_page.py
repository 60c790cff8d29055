"""The editor of the event page: a prompt that becomes a text, the page's blocks, publishing, revisions."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from conferences.access import Role, signed_in
from conferences.models import Conference, Member
from console.access import conference_page
from console.forms.blocks import addable_kinds, change
from console.forms.draft import DraftForm
from console.selectors.pictures import load_picture_rows
from console.shell import render_page, zone_of
from meeteasy.core.errors import RefusedError
from visuspace.blocks import BLOCKS
from visuspace.models import Page
from visuspace.problems import describe
from visuspace.providers import PROVIDERS
from visuspace.selectors.event_page import page_url
from visuspace.selectors.generations import find_latest_job, measure_use
from visuspace.selectors.pages import find_page, list_revisions
from visuspace.services import pages
from visuspace.services.generating import MAX_PROMPT, request_generation
from visuspace.views import render_preview

_REVISIONS = 20


@require_safe
@conference_page(Role.HELPER)
def index(request: HttpRequest, member: Member) -> HttpResponse:
    """Go to the page in the conference's main language."""
    return redirect("console-page-edit", member.conference_id, member.conference.languages[0])


@conference_page(Role.HELPER)
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, member: Member, language: str) -> HttpResponse:
    """The editor. Its form's buttons move, add and remove blocks without saving, or save all of them."""
    conference = check_language(member, language)
    page = find_page(conference, language=language)
    if request.method != "POST":
        return _show(request, member, language, page, DraftForm(page, load_picture_rows(conference)))
    action = request.POST.get("action", "")
    form = DraftForm(page, load_picture_rows(conference), request.POST)
    if action not in ("save", "publish", "overwrite"):
        form.go_on_with(change(form.raws, action), action)
        return _show(request, member, language, page, form)
    if not form.is_valid():
        return _show(request, member, language, page, form, status=400)
    page = page or pages.get_or_create_page(conference, language=language)
    try:
        revision = pages.save_draft(
            page, blocks=form.to_stored(), seen=form.seen, by=signed_in(request.user)
        )  # fmt: skip
    except RefusedError as error:
        page = find_page(conference, language=language)
        form.mark_stale(error.message, page)
        return _show(request, member, language, page, form, status=error.status)
    except ValidationError as error:
        form.problem = " ".join(error.messages)
        return _show(request, member, language, page, form, status=400)
    if action == "publish":
        pages.publish(page, number=revision.number)
        messages.success(
            request, _("Published. Visitors see revision %(number)s.") % {"number": revision.number}
        )
    else:
        messages.success(request, _("Saved as revision %(number)s.") % {"number": revision.number})
    return redirect("console-page-edit", conference.id, language)


@require_POST
@conference_page(Role.HELPER)
def generate(request: HttpRequest, member: Member, language: str) -> HttpResponse:
    """Ask for a text. Without `again`, the same description finds the text that exists."""
    conference = check_language(member, language)
    prompt = request.POST.get("prompt", "").replace("\r\n", "\n").strip()
    if len(prompt) > MAX_PROMPT:
        text = _("The description has at most %(most)s characters; this one has %(given)s.")
        messages.error(request, text % {"most": MAX_PROMPT, "given": len(prompt)})
        return redirect("console-page-edit", conference.id, language)
    page = pages.get_or_create_page(conference, language=language)
    again = request.POST.get("again") == "1"
    try:
        request_generation(page, prompt=prompt, again=again, by=signed_in(request.user))
    except RefusedError as error:
        messages.error(request, error.message)
    return redirect("console-page-edit", conference.id, language)


@require_safe
@conference_page(Role.HELPER)
def job(request: HttpRequest, member: Member, language: str) -> HttpResponse:
    """The state of the generation alone. The page asks for it again while one is under way."""
    conference = check_language(member, language)
    page = find_page(conference, language=language)
    seen = request.GET.get("seen", "")
    context = {
        "conference": conference, "language": language,
        **_describe_job(conference, page, seen=int(seen) if seen.isdecimal() else 0),
    }  # fmt: skip
    with timezone.override(zone_of(conference)):
        return render(request, "console/parts/page_job.html", context)


@require_safe
@conference_page(Role.HELPER)
@xframe_options_sameorigin
def preview(request: HttpRequest, member: Member, language: str, number: int) -> HttpResponse:
    """A revision as visitors would see it, without scripts and without counting anybody."""
    conference = check_language(member, language)
    page = find_page(conference, language=language)
    revision = page.revisions.filter(number=number).first() if page else None
    if revision is None:
        raise Http404(f"There is no revision {number}.")
    return render_preview(conference, language=language, blocks=revision.blocks)


@require_POST
@conference_page(Role.HELPER)
def publish(request: HttpRequest, member: Member, language: str) -> HttpResponse:
    """Show visitors a revision, or with `undo` the plain page."""
    page = _get_page(member, language)
    if request.POST.get("undo"):
        pages.unpublish(page)
        messages.success(request, _("Visitors see the plain page again."))
    else:
        number = _read_number(request)
        try:
            pages.publish(page, number=number)
            messages.success(request, _("Published. Visitors see revision %(number)s.") % {"number": number})
        except RefusedError as error:
            messages.error(request, error.message)
    return redirect("console-page-edit", member.conference_id, language)


@require_POST
@conference_page(Role.HELPER)
def restore(request: HttpRequest, member: Member, language: str) -> HttpResponse:
    """Make an earlier revision the draft again."""
    page, number = _get_page(member, language), _read_number(request)
    try:
        made = pages.restore(page, number=number, by=signed_in(request.user))
        text = _("Revision %(number)s is the draft again, as revision %(new)s.")
        messages.success(request, text % {"number": number, "new": made.number})
    except RefusedError as error:
        messages.error(request, error.message)
    return redirect("console-page-edit", member.conference_id, language)


def check_language(member: Member, language: str) -> Conference:
    if language not in member.conference.languages:
        raise Http404(f"The conference has no page in {language!r}.")
    return member.conference


def _get_page(member: Member, language: str) -> Page:
    page = find_page(check_language(member, language), language=language)
    if page is None:
        raise Http404("Nobody has made this page yet.")
    return page


def _read_number(request: HttpRequest) -> int:
    """Return the revision that a button names; 0, which does not exist, for anything else."""
    given = request.POST.get("revision", "")
    return int(given) if given.isdecimal() and len(given) < 9 else 0


def _show(
    request: HttpRequest, member: Member, language: str, page: Page | None, form: DraftForm, *,
    status: int = 200,
) -> HttpResponse:  # fmt: skip
    conference = member.conference
    names = dict(settings.LANGUAGES)
    context = {
        "language": language,
        "languages": [(code, names.get(code, code)) for code in conference.languages],
        "page": page,
        "form": form,
        "pictures_waiting": any(row.is_waiting for row in form.pictures),
        "addable": [(kind, BLOCKS[kind].label or kind) for kind in addable_kinds(form.raws)],
        "revisions": list(list_revisions(page)[:_REVISIONS]) if page else [],
        "address": page_url(conference.id),
        "max_prompt": MAX_PROMPT,
        **_describe_job(conference, page, seen=form.seen),
    }
    return render_page(request, "console/page.html", context, member=member, place="page", status=status)


def _describe_job(conference: Conference, page: Page | None, *, seen: int) -> dict[str, Any]:
    """Return what the part about the generation shows. seen: the revision that the reader has open."""
    latest = find_latest_job(page) if page else None
    revision = latest.revision.number if latest and latest.revision else 0
    return {
        "job": latest,
        "problem": describe(latest.error_code) if latest and latest.error_code else "",
        "is_new": revision > seen,
        "seen": seen,
        "use": measure_use(conference, now=timezone.now()),
        "cap": settings.GENERATIONS_PER_DAY,
        "provider": settings.PAGE_PROVIDER,
        "model": PROVIDERS[settings.PAGE_PROVIDER].model,
    }
