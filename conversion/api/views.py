"""Endpoints for conversions: upload, watch, fetch, delete."""

from typing import Any

from django.http import FileResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from conferences.access import get_conference, signed_in
from conversion.api.serializers import (
    ConversionFilter,
    ConversionInput,
    FileConversionSerializer,
    ResultQuery,
)
from conversion.models import ConversionJob
from conversion.selectors.conversions import ROLE, get_conversion, list_conversions
from conversion.services import removing
from conversion.services.results import open_result
from conversion.services.uploading import start_conversion
from meeteasy.core.http import refuse_fields

_ID = OpenApiParameter(
    "conversion_id", OpenApiTypes.STR, OpenApiParameter.PATH, description="The id of a conversion."
)
# A result is a stranger's document: it is saved, never shown in our origin, and no type is guessed for it.
_RESULT_HEADERS = {
    "Content-Security-Policy": "sandbox; default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "private, no-store",
    "X-Robots-Tag": "noindex",
}


class ConversionList(generics.ListAPIView[ConversionJob]):
    """List the conversions of a conference, newest first. Owners and helpers."""

    serializer_class = FileConversionSerializer
    queryset = ConversionJob.objects.none()
    parser_classes = (MultiPartParser,)

    @extend_schema(summary="List the conversions of a conference", parameters=[ConversionFilter])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        query = ConversionFilter(data=request.query_params)
        query.is_valid(raise_exception=True)
        filters = dict(query.validated_data)
        conference = get_conference(request.user, filters.pop("conference_id"), role=ROLE)
        page = self.paginate_queryset(list_conversions(conference, **filters))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @extend_schema(
        summary="Upload a file to convert",
        request=ConversionInput,
        responses={202: FileConversionSerializer},
    )
    def post(self, request: Request) -> Response:
        """Upload a file, as `multipart/form-data`. Owners and helpers.

        `target` says what to make of it; its parameters are further fields of the form. What the file is
        decides its content, not its name. A file that cannot be converted makes a conversion that fails, with
        a code in `error`.
        """
        given = ConversionInput(data=request.data)
        given.is_valid(raise_exception=True)
        fields = given.validated_data
        conference = get_conference(request.user, fields["conference_id"], role=ROLE)
        job = start_conversion(
            conference=conference,
            file=fields["file"],
            file_name=fields["file"].name,
            target=fields["target"],
            parameters=fields["parameters"],
            by=signed_in(request.user),
        )
        headers = {"Location": f"/api/conversions/{job.pk}"}
        return Response(FileConversionSerializer(job).data, status=202, headers=headers)


class ConversionDetail(APIView):
    """Read a conversion, or delete it with its files. Owners and helpers of its conference."""

    @extend_schema(
        summary="Read a conversion", operation_id="conversions_retrieve", parameters=[_ID],
        responses=FileConversionSerializer,
    )  # fmt: skip
    def get(self, request: Request, conversion_id: str) -> Response:
        return Response(FileConversionSerializer(get_conversion(request.user, conversion_id)).data)

    @extend_schema(
        summary="Delete a conversion and its files", operation_id="conversions_destroy", parameters=[_ID],
        responses={204: None},
    )  # fmt: skip
    def delete(self, request: Request, conversion_id: str) -> Response:
        """Delete the uploaded file and the result, in any state. A result of another conversion stays."""
        removing.remove(get_conversion(request.user, conversion_id).pk)
        return Response(status=204)


class ConversionRetry(APIView):
    """Try a failed conversion again. Answers 409 in any other state. Owners and helpers."""

    @extend_schema(
        summary="Try a conversion again", operation_id="conversions_retry", parameters=[_ID], request=None,
        responses={202: FileConversionSerializer},
    )  # fmt: skip
    def post(self, request: Request, conversion_id: str) -> Response:
        job = get_conversion(request.user, conversion_id)
        refuse_fields(request)
        return Response(FileConversionSerializer(removing.retry(job.pk)).data, status=202)


class ConversionResult(APIView):
    """Download the result of a conversion. Answers 409 while there is none. Owners and helpers."""

    @extend_schema(
        summary="Download the result of a conversion", operation_id="conversions_result",
        parameters=[_ID, ResultQuery],
        responses={(200, "application/octet-stream"): OpenApiTypes.BINARY},
    )  # fmt: skip
    def get(self, request: Request, conversion_id: str) -> FileResponse:
        """Fetch the file; its type is that of the result. With `page`, one picture of those in the ZIP."""
        query = ResultQuery(data=request.query_params.dict())
        query.is_valid(raise_exception=True)
        job = get_conversion(request.user, conversion_id)
        result = open_result(job, page=query.validated_data.get("page"))
        return FileResponse(
            result.file, as_attachment=True, filename=result.name, content_type=result.media_type,
            headers=_RESULT_HEADERS,
        )  # fmt: skip
