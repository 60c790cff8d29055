"""What all HTTP interfaces share: the one error shape, pages of results, CSV."""

import csv
import itertools
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from typing import Any

from asgiref.sync import sync_to_async
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, JsonResponse, StreamingHttpResponse
from django.views.decorators.csrf import csrf_exempt
from rest_framework import exceptions
from rest_framework.pagination import PageNumberPagination
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.response import Response
from rest_framework.views import exception_handler as drf_exception_handler

from meeteasy.core.errors import RefusedError


def error_body(code: str, message: str, details: Any = None) -> dict[str, Any]:
    """`{"error": {"code", "message", "details"}}`: the shape of every error of the API."""
    return {"error": {"code": code, "message": message, "details": details}}


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's handler, with our shape; Django's own ValidationError counts as bad input too."""
    if isinstance(error, RefusedError):
        return Response(error_body(error.code, error.message, error.details or None), status=error.status)
    if isinstance(error, ValidationError):
        error = exceptions.ValidationError(
            error.message_dict if hasattr(error, "error_dict") else {"non_field_errors": error.messages}
        )
    elif isinstance(error, Http404):
        error = exceptions.NotFound(str(error) or None)
    elif isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied(str(error) or None)
    response = drf_exception_handler(error, context)
    if response is None or not isinstance(error, exceptions.APIException):
        return response
    if isinstance(error, exceptions.ValidationError):
        response.data = error_body("invalid", "Some of the input is not valid.", error.detail)
    else:
        codes = error.get_codes()
        response.data = error_body(codes if isinstance(codes, str) else "error", str(error.detail))
    response.content_type = "application/json"  # also where another format was asked for, such as CSV
    return response


@csrf_exempt  # there is nothing here to protect, and an API client should read 404
def api_not_found(request: HttpRequest, path: str = "") -> JsonResponse:
    """404 in the API's own shape for paths under /api/ that nothing serves."""
    return JsonResponse(error_body("not_found", f"There is nothing at {request.path}."), status=404)


class PagePagination(PageNumberPagination):
    """`?page=2&page_size=100`; the answer has `count`, `next`, `previous` and `results`."""

    page_size = 100
    page_size_query_param = "page_size"
    max_page_size = 1000


class CSVFormat(BaseRenderer):
    """Lets `?format=csv` through content negotiation; the view itself answers with the download."""

    media_type = "text/csv"
    format = "csv"

    def render(self, data: Any, *args: Any) -> bytes:
        return JSONRenderer().render(data)  # errors only


class _Line:
    """A file for csv.writer that hands each line back instead of keeping it."""

    def write(self, line: str) -> str:
        return line


# The full-width ones, too: spreadsheets in Chinese and Japanese read them as the others.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def neutralise_formula(value: Any) -> Any:
    """A leading apostrophe for text that a spreadsheet would run as a formula.

    See OWASP, "CSV Injection". Numbers stay numbers.
    """
    if isinstance(value, str) and value.startswith(FORMULA_STARTS):
        return f"'{value}"
    return value


async def _stream(lines: Iterator[str]) -> AsyncIterator[str]:
    """The lines in pieces of some 16 KiB. Under ASGI, Django would first collect a plain iterator whole."""
    pull = sync_to_async(lambda: "".join(itertools.islice(lines, 200)), thread_sensitive=True)
    while piece := await pull():
        yield piece


def csv_response(
    filename: str, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]
) -> StreamingHttpResponse:
    """A CSV download, streamed: any number of rows in constant memory. UTF-8 with a BOM, for Excel."""
    writer = csv.DictWriter(_Line(), columns, extrasaction="ignore")

    def lines() -> Iterator[str]:
        yield "\ufeff"
        yield writer.writeheader()
        for row in rows:
            yield writer.writerow({name: neutralise_formula(row.get(name)) for name in columns})

    response = StreamingHttpResponse(_stream(lines()), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{filename}"'
    return response
