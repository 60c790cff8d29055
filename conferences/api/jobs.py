"""Jobs for imports and bulk decisions: starting, watching and cancelling them."""

from typing import IO, Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import generics
from rest_framework.exceptions import ValidationError
from rest_framework.parsers import BaseParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from conferences.access import Role, get_conference, get_job, signed_in
from conferences.api.serializers import DecisionInput, ImportQuery, JobSerializer
from conferences.models import Job
from conferences.services import jobs
from conferences.services.csv_files import MAX_BYTES
from conferences.states import Action
from meeteasy.core.errors import RefusedError
from meeteasy.core.http import refuse_fields


class _CSVBody(BaseParser):
    """Parser for a file that is sent as the request body."""

    media_type = "text/csv"

    def parse(self, stream: IO[bytes], media_type: str | None = None, parser_context: Any = None) -> Any:
        return stream.read(MAX_BYTES + 1)


class RegistrationImport(APIView):
    """Import registrations from a CSV file, sent as `file` of a form or as the body. Helpers and owners.

    The file is UTF-8, and its heading names at least `name` and `email`. Any column that is not a field is an
    answer. A job reads the file, and the response gives its address. The job reports invalid lines and
    imports the others. It does not change people who are already registered, so a file can be imported again.
    """

    parser_classes = [MultiPartParser, _CSVBody]

    @extend_schema(
        request={"multipart/form-data": {"type": "object", "properties": {
            "file": {"type": "string", "format": "binary"}}, "required": ["file"]}},
        parameters=[ImportQuery],
        responses={202: JobSerializer},
    )  # fmt: skip
    def post(self, request: Request, conference_id: str) -> Response:
        conference = get_conference(request.user, conference_id, role=Role.HELPER)
        query = ImportQuery(data=request.query_params.dict())
        query.is_valid(raise_exception=True)
        job = jobs.start_import(
            conference=conference,
            content=_read_upload(request),
            dry_run=query.validated_data["dry_run"],
            by=signed_in(request.user),
        )
        return _accepted(request, job)


class RegistrationDecisions(APIView):
    """Approve, reject or cancel many registrations. Helpers and owners.

    A job decides about each one separately. It reports those that it cannot decide and goes on with the rest.
    """

    @extend_schema(request=DecisionInput, responses={202: JobSerializer})
    def post(self, request: Request, conference_id: str) -> Response:
        conference = get_conference(request.user, conference_id, role=Role.HELPER)
        given = DecisionInput(data=request.data)
        given.is_valid(raise_exception=True)
        job = jobs.start_decision(
            conference=conference,
            action=Action(given.validated_data["action"]),
            ids=given.validated_data.get("ids"),
            matching=given.validated_data.get("filter"),
            by=signed_in(request.user),
        )
        return _accepted(request, job)


class JobList(generics.ListAPIView[Job]):
    """List imports and decisions about many registrations, newest first. Helpers and owners."""

    serializer_class = JobSerializer
    queryset = Job.objects.none()

    def get_queryset(self) -> QuerySet[Job]:
        conference = get_conference(self.request.user, self.kwargs["conference_id"], role=Role.HELPER)
        return Job.objects.defer("content").select_related("created_by").filter(conference=conference)


class JobDetail(APIView):
    """Read the progress and the report of a job. Helpers and owners."""

    @extend_schema(responses=JobSerializer)
    def get(self, request: Request, conference_id: str, job_id: str) -> Response:
        return Response(JobSerializer(get_job(request.user, conference_id, job_id)).data)


class CancelJob(APIView):
    """Cancel a job and keep what it has done. A finished job does not change. Helpers and owners."""

    @extend_schema(request=None, responses=JobSerializer)
    def post(self, request: Request, conference_id: str, job_id: str) -> Response:
        job = get_job(request.user, conference_id, job_id)
        refuse_fields(request)
        return Response(JobSerializer(jobs.cancel_job(job)).data)


def _accepted(request: Request, job: Job) -> Response:
    address = f"/api/conferences/{job.conference_id}/jobs/{job.pk}"
    return Response(JobSerializer(job).data, status=202, headers={"Location": address})


def _read_upload(request: Request) -> bytes:
    """Return the bytes of the uploaded file. Raises ValidationError, or RefusedError `too_large`."""
    content: bytes
    if isinstance(request.data, bytes):
        content = request.data
    else:
        upload = request.FILES.get("file")
        if upload is None:
            raise ValidationError({"file": "No file was sent as `file`."})
        content = upload.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise RefusedError("too_large", f"At most {MAX_BYTES} bytes.", status=413)
    return content
