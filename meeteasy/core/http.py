"""What all HTTP interfaces share: the one error shape, pages of results, CSV."""

import itertools
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

import redis
from django.core.exceptions import DisallowedHost, PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views import defaults
from django.views.decorators.csrf import csrf_exempt
from rest_framework import exceptions, serializers
from rest_framework.pagination import BasePagination
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.views import exception_handler as drf_exception_handler

from meeteasy.core import unavailable
from meeteasy.core.errors import RefusedError
from meeteasy.core.errors import error_body as error_body  # views take it from here
from meeteasy.core.paging import read_page
from meeteasy.core.serializers import StrictSerializer, read_query
from meeteasy.core.spreadsheets import csv_lines
from meeteasy.core.unavailable import is_database_away

_CURSOR_HELP = "`next` of the page before; without it the first page."
_NEXT_HELP = "`cursor` of the following page; null: this is the last one."


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's handler, with our shape; Django's own ValidationError counts as bad input too."""
    if is_database_away(error):
        body = error_body("database_unavailable", unavailable.MESSAGE)
        retry = {"Retry-After": str(unavailable.RETRY_AFTER_SECONDS)}
        return Response(body, status=503, headers=retry, content_type="application/json")
    if isinstance(error, RefusedError):
        body = error_body(error.code, error.message, error.details or None)
        return Response(body, status=error.status, content_type="application/json")
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


@csrf_exempt  # nothing here needs protection, and an API client should get 404
def api_not_found(request: HttpRequest) -> JsonResponse:
    """Answer 404 in the API's own shape for unknown paths under /api/."""
    return JsonResponse(error_body("not_found", f"There is nothing at {request.path}."), status=404)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's `handler400`: the API answers in its own shape, others get Django's page."""
    if not request.path.startswith("/api/"):
        return defaults.bad_request(request, exception)
    message = "The request is not valid."
    if isinstance(exception, DisallowedHost):
        message = "This server does not answer under the host name of the request."
    return JsonResponse(error_body("bad_request", message), status=400)


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's `handler500`. It answers 503 with Retry-After while a database or Redis is away.

    The API answers in its own shape; others get a page that needs no database.
    """
    status, code, message = 500, "internal_error", gettext_noop("An error on our side. It was logged.")
    error = sys.exc_info()[1]
    if is_database_away(error):
        status, code, message = 503, "database_unavailable", unavailable.MESSAGE
    elif isinstance(error, redis.RedisError):
        status, code, message = 503, "unavailable", unavailable.REDIS_MESSAGE
    if request.path.startswith("/api/"):
        response: HttpResponse = JsonResponse(error_body(code, message), status=status)
    else:
        page = render_to_string("500.html", {"status": status, "message": _(message)})
        response = HttpResponse(page, status=status)
    if status == 503:
        response["Retry-After"] = str(unavailable.RETRY_AFTER_SECONDS)
    return response


def refuse_fields(request: Request) -> None:
    """Refuse by name what is sent to an address that takes no fields. Call it once access is granted."""
    StrictSerializer(data=request.data or {}).is_valid(raise_exception=True)


class PageQuery(serializers.Serializer[Any]):
    """Which page of a list: `cursor`, the `next` of the page before, and how many rows."""

    cursor = serializers.CharField(default="", allow_blank=True, max_length=400, help_text=_CURSOR_HELP)
    page_size = serializers.IntegerField(default=100, min_value=1, max_value=1000)


class CursorPagination(BasePagination):
    """`{"results": […], "next": "…"}`; `next` is the `cursor` of the following page, null on the last one.

    Rows come in the order of the queryset, which must be stable (meeteasy/core/paging.py).
    """

    def paginate_queryset(
        self, queryset: QuerySet[Any] | Sequence[Any], request: Request, view: APIView | None = None
    ) -> list[Any]:
        """Raises ValidationError or BadCursorError."""
        assert isinstance(queryset, QuerySet)
        query = read_query(PageQuery, request.query_params)
        limit, cursor = query["page_size"], query["cursor"]
        order = [str(name) for name in queryset.query.order_by or queryset.model._meta.ordering or ["pk"]]
        page, self._next = read_page(queryset, order, limit=limit, cursor=cursor)
        return page

    def get_paginated_response(self, data: Any) -> Response:
        return Response({"results": data, "next": self._next})

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        following = {"type": ["string", "null"], "description": _NEXT_HELP}
        return {
            "type": "object",
            "required": ["results", "next"],
            "properties": {"results": schema, "next": following},
        }

    def get_schema_operation_parameters(self, view: APIView) -> list[dict[str, Any]]:
        size = {"type": "integer", "minimum": 1, "maximum": 1000, "default": 100}
        return [
            {"name": "cursor", "in": "query", "schema": {"type": "string"}, "description": _CURSOR_HELP},
            {"name": "page_size", "in": "query", "schema": size, "description": "Rows in a page."},
        ]


class CSVFormat(BaseRenderer):
    """Lets `?format=csv` through content negotiation; the view itself answers with the download."""

    media_type = "text/csv"
    format = "csv"

    def render(self, data: Any, *args: Any) -> bytes:
        return JSONRenderer().render(data)  # errors only


def _stream(lines: Iterator[str]) -> Iterator[str]:
    """Yield the lines in pieces of some 16 KiB."""
    while piece := "".join(itertools.islice(lines, 200)):
        yield piece


def csv_response(
    filename: str, columns: Sequence[str], rows: Iterable[Mapping[str, Any]], *, codes: Collection[str] = ()
) -> StreamingHttpResponse:
    """Stream a CSV download: any number of rows in constant memory. codes: see `csv_lines`."""
    lines = _stream(csv_lines(columns, rows, codes=codes))
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{filename}"'
    return response
