"""Middleware for all requests that Django answers."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, JsonResponse

from meeteasy.core.http import error_body

_NUL = "\0"
_FORM = "application/x-www-form-urlencoded"


def refuse_nul(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """404 for a path with NUL, 400 for a query or form with one: PostgreSQL refuses even to compare it.

    JSON is checked where it is read, field by field.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        if _NUL in request.path:
            return _answer(request, 404, "not_found", "There is nothing at this address.")
        if "%00" in request.META.get("QUERY_STRING", "") or _NUL in request.META.get("QUERY_STRING", ""):
            return _answer(request, 400, "invalid", "The query contains NUL, which is not allowed.")
        if request.content_type == _FORM and any(
            _NUL in name or any(_NUL in value for value in values) for name, values in request.POST.lists()
        ):
            return _answer(request, 400, "invalid", "The form contains NUL, which is not allowed.")
        return get_response(request)

    return middleware


def _answer(request: HttpRequest, status: int, code: str, message: str) -> HttpResponse:
    if request.path.startswith("/api/"):
        return JsonResponse(error_body(code, message), status=status)
    return HttpResponse(message, status=status, content_type="text/plain; charset=utf-8")
