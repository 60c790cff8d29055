"""Exports: tables at once as CSV or XLSX, and jobs for more rows than that."""

from typing import Any

from django.db.models import QuerySet
from django.http import FileResponse, HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from conferences.access import get_conference, get_export, signed_in
from conferences.exports import EXPORTS
from conferences.models import Conference, ExportJob
from conferences.services import exporting
from meeteasy.core.http import CSVFormat, csv_response, refuse_fields
from meeteasy.core.serializers import ModelSerializer, StrictSerializer
from meeteasy.core.spreadsheets import make_xlsx

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_TYPES = {"csv": "text/csv; charset=utf-8", "jsonl": "application/jsonl"}


class XLSXFormat(CSVFormat):
    """Lets `?format=xlsx` through content negotiation, as CSVFormat does."""

    media_type = XLSX
    format = "xlsx"


TABLE_FORMATS: list[type[BaseRenderer]] = [CSVFormat, XLSXFormat]


def answer_with_file(
    request: Request, conference: Conference, name: str, filename: str, **parameters: Any
) -> HttpResponseBase | None:
    """A table as the request asks for it, by `?format=csv` or `xlsx`; None if it asks for neither.

    Raises RefusedError `too_many_rows` for what only a job can export.
    """
    format = request.accepted_renderer.format
    if format not in ("csv", "xlsx"):
        return None
    export = EXPORTS[name]
    read = export.Parameters(**parameters)
    exporting.check_size(export, conference, read)
    rows = export.iterate(conference, read)
    if format == "csv":
        return csv_response(f"{filename}.csv", export.columns(), rows, codes=export.codes)
    book = make_xlsx(export.columns(), rows)
    return FileResponse(book, as_attachment=True, filename=f"{filename}.xlsx", content_type=XLSX)


class ExportInput(StrictSerializer):
    export = serializers.ChoiceField(choices=[])
    format = serializers.ChoiceField(choices=exporting.FORMATS_OF_JOBS, default="csv")
    parameters = serializers.DictField(
        required=False, default=dict, help_text="What the list itself can be filtered by, under these names."
    )

    def get_fields(self) -> dict[str, Any]:
        fields = super().get_fields()
        fields["export"] = serializers.ChoiceField(choices=sorted(EXPORTS))
        return fields


class ExportSerializer(ModelSerializer[ExportJob]):
    """`done` of `total` things. `result` is where the finished file is, for a day."""

    created_by: serializers.SlugRelatedField = serializers.SlugRelatedField("username", read_only=True)
    result = serializers.SerializerMethodField()

    class Meta:
        model = ExportJob
        fields = [
            "id", "export", "format", "parameters", "status", "total", "done", "size", "result", "error",
            "created_at", "created_by", "finished_at",
        ]  # fmt: skip

    def get_result(self, job: ExportJob) -> str | None:
        if job.status != ExportJob.Status.DONE or job.is_deleted:
            return None
        return f"/api/conferences/{job.conference_id}/exports/{job.pk}/result"


class ExportList(generics.ListAPIView[ExportJob]):
    """Exports that members started, newest first."""

    serializer_class = ExportSerializer
    queryset = ExportJob.objects.none()

    @extend_schema(summary="List exports")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[ExportJob]:
        conference = get_conference(self.request.user, self.kwargs["conference_id"])
        return ExportJob.objects.select_related("created_by").filter(conference=conference)

    @extend_schema(summary="Start an export", request=ExportInput, responses={202: ExportSerializer})
    def post(self, request: Request, conference_id: str) -> Response:
        """Write any number of rows to a file, by a job. Whoever may read the rows may export them.

        Up to 50,000 rows are answered at once by the lists themselves, with `format=csv` or `xlsx`.
        """
        get_conference(request.user, conference_id)
        given = ExportInput(data=request.data)
        given.is_valid(raise_exception=True)
        export = EXPORTS[given.validated_data["export"]]
        conference = get_conference(request.user, conference_id, role=export.role)
        job = exporting.start_export(
            conference=conference, by=signed_in(request.user), **given.validated_data
        )
        address = f"/api/conferences/{job.conference_id}/exports/{job.pk}"
        return Response(ExportSerializer(job).data, status=202, headers={"Location": address})


class ExportDetail(APIView):
    @extend_schema(summary="Read the progress of an export", responses=ExportSerializer)
    def get(self, request: Request, conference_id: str, export_id: str) -> Response:
        return Response(ExportSerializer(get_export(request.user, conference_id, export_id)).data)


class CancelExport(APIView):
    @extend_schema(summary="Cancel an export", request=None, responses=ExportSerializer)
    def post(self, request: Request, conference_id: str, export_id: str) -> Response:
        """Stop an export and delete its file. A finished one does not change."""
        job = get_export(request.user, conference_id, export_id)
        refuse_fields(request)
        return Response(ExportSerializer(exporting.cancel_export(job)).data)


class ExportResult(APIView):
    @extend_schema(
        summary="Download the file of an export", responses={(200, "text/csv"): OpenApiTypes.BINARY}
    )
    def get(self, request: Request, conference_id: str, export_id: str) -> FileResponse:
        """Answers 409 `not_finished` until the job is done, and 410 `expired` after a day."""
        job = get_export(request.user, conference_id, export_id)
        return FileResponse(
            exporting.open_result(job),
            as_attachment=True,
            filename=f"{job.export}-{job.conference_id}.{job.format}",
            content_type=_TYPES[job.format],
        )
