"""The public event page and what belongs to it. No account, no cookie, no database once a page is warm."""

import zoneinfo
from typing import Any

import msgspec
import segno
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from conferences.api.public import RegistrationThrottle
from conferences.calendars import make_entry, make_file
from conferences.models import Conference, Registration
from visuspace import cache
from visuspace.blocks import read_blocks
from visuspace.card import draw_card
from visuspace.forms import EnteredForm, describe_rate, submit
from visuspace.language import choose_language, interface_language, read_wanted
from visuspace.models import Picture
from visuspace.selectors.event_page import EventPage, load_event_page, page_url
from visuspace.visits import CODE_PLACE, QUERY_PLACE, insert_code, read_code

# Of a draft in the editor's frame. It runs nothing, sends nothing, and so counts nobody.
_PREVIEW_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; frame-ancestors 'self'; form-action 'none'; "
    "base-uri 'none'"
)
_RECEIVED = frozenset({Registration.State.APPROVED, Registration.State.PENDING, Registration.State.WAITING})


@require_safe
def event_page(request: HttpRequest, conference_id: str) -> HttpResponse:
    """Show the page of a conference. `_s`: the share code that led here; `lang`: another language."""
    language = _find_language(request, conference_id)

    def render() -> str:
        return _render(_load(conference_id, language), code=CODE_PLACE, code_query=QUERY_PLACE)

    html = insert_code(cache.get_page(conference_id, language, render), read_code(request.GET.get("_s", "")))
    response = HttpResponse(html, headers={"Content-Language": language, "Vary": "Accept-Language"})
    # The browser asks again, because the number of free places changes.
    response["Cache-Control"] = "no-cache"
    return response


@csrf_exempt  # nothing depends on who is signed in; the API's form is open to any origin, too
@require_http_methods(["GET", "HEAD", "POST"])
def register_page(request: HttpRequest, conference_id: str) -> HttpResponse:
    """Take the registration form. Afterwards, and after a reload, `state` says what became of it."""
    if request.method == "POST":
        return _take_form(request, conference_id)
    language = _find_language(request, conference_id)
    state = request.GET.get("state", "")
    if state not in _RECEIVED:
        return redirect("visuspace-event-page", conference_id)
    page = _load(conference_id, language)
    return HttpResponse(_render(page, code="", template="registered", state=state))


def _take_form(request: HttpRequest, conference_id: str) -> HttpResponse:
    language = _find_language(request, conference_id)
    conference = _find(conference_id)
    throttle = RegistrationThrottle()
    with translation.override(interface_language(language)):
        if throttle.allow_request(request, None):  # type: ignore[arg-type]
            outcome = submit(request, conference, language=language)
            status = 400
        else:
            outcome, status = EnteredForm(refusal=describe_rate(throttle.wait())), 429
    if not isinstance(outcome, EnteredForm):
        response = redirect("visuspace-register", conference_id)
        response["Location"] += f"?state={outcome.state}&lang={language}"
        response.status_code = 303
        return response
    page = load_event_page(conference, language=language, now=timezone.now())
    code = str(request.POST.get("share_code", ""))[:128]
    return HttpResponse(_render(page, code=code, form=outcome), status=status)


@require_safe
def calendar_file(request: HttpRequest, conference_id: str) -> HttpResponse:
    """Download the conference as a calendar entry."""
    conference = _find(conference_id)
    if conference.starts_at is None:
        raise Http404("This conference has no date yet.")
    entry = make_entry(
        uid=f"{conference.id}@{settings.PUBLIC_URL.partition('://')[2]}",
        name=conference.name,
        starts_at=conference.starts_at,
        ends_at=conference.ends_at,
        zone=zoneinfo.ZoneInfo(conference.time_zone),
        venue=conference.venue,
        url=page_url(conference.id),
    )
    response = HttpResponse(make_file(entry, method="PUBLISH"), content_type="text/calendar; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{conference.id}.ics"'
    return response


@require_safe
def card(request: HttpRequest, conference_id: str) -> HttpResponse:
    """Show the picture that messengers put beside a link to the page."""
    language = _find_language(request, conference_id)

    def draw() -> bytes:
        return draw_card(_load(conference_id, language))

    picture = cache.get_picture(conference_id, language, draw)
    headers = {"Cache-Control": f"public, max-age={cache.PICTURE_SECONDS}", "Vary": "Accept-Language"}
    return HttpResponse(picture, content_type="image/png", headers=headers)


@require_safe
def picture(request: HttpRequest, conference_id: str, picture_id: str) -> HttpResponse:
    """Show a picture of the conference's pages. What an id shows never changes."""
    found = Picture.objects.filter(pk=picture_id, conference_id=conference_id, width__gt=0)
    content = found.values_list("content", flat=True).first()
    if content is None:
        raise Http404(f"There is no picture {picture_id!r}.")
    headers = {"Cache-Control": "public, max-age=86400, immutable"}
    return HttpResponse(bytes(content), content_type="image/webp", headers=headers)


@require_safe
def qr_code(request: HttpRequest, conference_id: str) -> HttpResponse:
    """Draw a link to the page with the share code `_s` as a QR code."""
    _find_language(request, conference_id)
    code = read_code(request.GET.get("_s", ""))
    drawn = segno.make(f"{page_url(conference_id)}?_s={code}" if code else page_url(conference_id), error="m")
    svg = drawn.svg_inline(scale=8, border=2, dark="#16202b", light="#ffffff", omitsize=True)
    svg = svg.replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg"', 1)
    headers = {"Cache-Control": "public, max-age=86400"}
    return HttpResponse(svg, content_type="image/svg+xml", headers=headers)


@require_safe
def robots(request: HttpRequest) -> HttpResponse:
    """Let search engines read event pages and nothing else."""
    return HttpResponse(
        "User-agent: *\nAllow: /conf/\nAllow: /static/\nDisallow: /\n", content_type="text/plain"
    )


def render_preview(conference: Conference, *, language: str, blocks: list[dict[str, Any]]) -> HttpResponse:
    """Render stored blocks as visitors would see them: for a frame of ours, without scripts and forms."""
    page = load_event_page(conference, language=language, now=timezone.now(), blocks=read_blocks(blocks))
    response = HttpResponse(_render(page, code="", is_preview=True))
    response["Content-Security-Policy"] = _PREVIEW_POLICY
    response["Cache-Control"] = "private, no-store"
    return response


def _find(conference_id: str) -> Conference:
    conference = Conference.objects.filter(id=conference_id).first()
    if conference is None:
        raise Http404(f"There is no conference {conference_id!r}.")
    return conference


def _load(conference_id: str, language: str) -> EventPage:
    return load_event_page(_find(conference_id), language=language, now=timezone.now())


def _find_language(request: HttpRequest, conference_id: str) -> str:
    """Return the conference's language for this visitor. Raises Http404 if there is no such conference."""
    languages = cache.get_languages(conference_id, lambda: list(_find(conference_id).languages))
    accepted = request.headers.get("Accept-Language", "")
    return choose_language(languages, read_wanted(request.GET.get("lang", ""), accepted))


def _render(page: EventPage, *, code: str, template: str = "event_page", **context: Any) -> str:
    form: EnteredForm = context.pop("form", None) or EnteredForm()
    # A `<` in the data could end the script element.
    structured = msgspec.json.encode(page.structured).decode().replace("<", "\\u003c")
    with translation.override(interface_language(page.language)):
        return render_to_string(
            f"visuspace/{template}.html",
            {"page": page, "code": code, "form": form, "structured": structured, **context},
        )
