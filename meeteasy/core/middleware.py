"""Middleware for all requests that Django answers."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse

from meeteasy.core.http import error_body

Handler = Callable[[HttpRequest], HttpResponse]

_NUL = "\0"
_FORM = "application/x-www-form-urlencoded"
_UPLOAD = "multipart/form-data"
_MOST_NAMED = 20


def refuse_nul(get_response: Handler) -> Handler:
    """Answer 404 to a path with NUL and 400 to a query or form with NUL. PostgreSQL refuses to compare it.

    JSON is checked field by field where it is read.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        if _NUL in request.path:
            return _answer(request, 404, error_body("not_found", "There is nothing at this address."))
        given = [request.GET] if "%00" in request.META.get("QUERY_STRING", "") else []
        # The API reads uploads itself, and checks their fields.
        is_page_form = request.content_type == _UPLOAD and not request.path.startswith("/api/")
        if request.content_type == _FORM or is_page_form:
            given.append(request.POST)
        bad = [
            name.replace(_NUL, "\ufffd")
            for data in given
            for name, values in data.lists()
            if any(_NUL in text for text in (name, *values))
        ]
        if bad:
            details = {name: ["NUL is not allowed."] for name in bad[:_MOST_NAMED]}
            return _answer(request, 400, error_body("invalid", "Some of the input is not valid.", details))
        return get_response(request)

    return middleware


def keep_private(get_response: Handler) -> Handler:
    """Let no cache keep an answer, unless its view says otherwise: who signs out leaves no pages behind."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if not response.has_header("Cache-Control"):
            # What has a tag may be kept by the client itself, which asks each time whether it still holds.
            response["Cache-Control"] = "private, no-cache" if response.has_header("ETag") else "no-store"
        return response

    return middleware


def _answer(request: HttpRequest, status: int, body: dict[str, Any]) -> HttpResponse:
    if request.path.startswith("/api/"):
        return JsonResponse(body, status=status)
    message = body["error"]["message"]
    return HttpResponse(message, status=status, content_type="text/plain; charset=utf-8")
