"""Registering (public), and what members do with registrations."""

from typing import IO, Any

from django.db.models import QuerySet
from django.http import Http404, HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import generics
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import ValidationError
from rest_framework.parsers import BaseParser, MultiPartParser
from rest_framework.permissions import AllowAny
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from conferences.access import Role, get_conference, get_registration, signed_in
from conferences.api.public import CORS_HEADERS, RegistrationThrottle, SmallJSONParser
from conferences.api.serializers import (
    ImportAnswer,
    ImportQuery,
    RegistrationAnswer,
    RegistrationFilter,
    RegistrationInput,
    RegistrationSerializer,
)
from conferences.models import Conference, Registration
from conferences.selectors.registrations import CSV_CODES, CSV_COLUMNS, csv_rows, find_registrations
from conferences.services import importing
from conferences.services.idempotency import Answer, answer_once
from conferences.services.registrations import decide, register
from conferences.states import Action
from meeteasy.core.errors import RefusedError
from meeteasy.core.http import CSVFormat, csv_response

IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="The same key with the same body is answered the same and does nothing again, for 48 hours.",
)
_PUBLIC = ("POST", "OPTIONS")


class RegistrationList(generics.ListAPIView[Registration]):
    """POST is public: anybody registers, from any origin. GET is for members."""

    serializer_class = RegistrationSerializer
    parser_classes = [SmallJSONParser]
    renderer_classes = [JSONRenderer, CSVFormat]
    queryset = Registration.objects.none()

    @property
    def _is_public(self) -> bool:
        return getattr(self, "request", None) is not None and self.request.method in _PUBLIC

    def get_authenticators(self) -> list[BaseAuthentication]:
        # Whoever is signed in and registers needs no CSRF token either: nothing depends on who they are.
        return [] if self._is_public else super().get_authenticators()

    def get_permissions(self) -> list[Any]:
        return [AllowAny()] if self._is_public else list(super().get_permissions())

    def get_throttles(self) -> list[BaseThrottle]:
        return [RegistrationThrottle()] if self._is_public else []

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Response:
        final: Response = super().finalize_response(request, response, *args, **kwargs)
        if request.method in _PUBLIC:
            for name, value in CORS_HEADERS.items():
                final[name] = value
        return final

    def options(self, request: Request, *args: Any, **kwargs: Any) -> Response:  # type: ignore[override]
        """The preflight of browsers."""
        return Response(status=204)

    @extend_schema(
        request=RegistrationInput,
        parameters=[IDEMPOTENCY_KEY],
        auth=[],
        responses={
            201: RegistrationAnswer,
            200: OpenApiResponse(RegistrationAnswer, "Was registered already; nothing changed."),
        },
    )
    def post(self, request: Request, conference_id: str) -> Response:
        conference = Conference.objects.filter(id=conference_id).first()
        if conference is None:
            raise Http404(f"There is no conference {conference_id!r}.")
        given = RegistrationInput(data=request.data, context={"conference": conference})
        given.is_valid(raise_exception=True)

        def act() -> Answer:
            outcome = register(conference=conference, **given.validated_data)
            return 201, {
                "receipt": outcome.receipt,
                "conference_id": conference.id,
                "state": str(outcome.state),
            }

        status, answer = answer_once(
            conference=conference,
            scope="registration",
            key=request.headers.get("Idempotency-Key"),
            body=request.data,
            act=act,
        )
        return Response(answer, status=status)

    @extend_schema(
        parameters=[RegistrationFilter, OpenApiParameter("format", OpenApiTypes.STR, enum=["json", "csv"])]
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:  # type: ignore[override]
        conference = get_conference(request.user, kwargs["conference_id"])
        query = RegistrationFilter(data=request.query_params.dict())
        query.is_valid(raise_exception=True)
        found: QuerySet[Registration] = find_registrations(conference, **query.validated_data)
        if request.accepted_renderer.format == "csv":
            return csv_response(
                f"registrations-{conference.id}.csv", CSV_COLUMNS, csv_rows(found), codes=CSV_CODES
            )
        page = self.paginate_queryset(found.select_related("decided_by"))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)


class RegistrationDetail(APIView):
    """One registration."""

    @extend_schema(responses=RegistrationSerializer)
    def get(self, request: Request, conference_id: str, registration_id: str) -> Response:
        found = get_registration(request.user, conference_id, registration_id)
        return Response(RegistrationSerializer(found).data)


class _Decision(APIView):
    action: Action

    def post(self, request: Request, conference_id: str, registration_id: str) -> Response:
        found = get_registration(request.user, conference_id, registration_id, role=Role.HELPER)
        decide(found.id, self.action, by=signed_in(request.user))
        found = get_registration(request.user, conference_id, registration_id, role=Role.HELPER)
        return Response(RegistrationSerializer(found).data)


@extend_schema(request=None, responses=RegistrationSerializer)
class Approve(_Decision):
    """Approve a pending or rejected registration; one that is approved stays so. Helpers and owners."""

    action = Action.APPROVE


@extend_schema(request=None, responses=RegistrationSerializer)
class Reject(_Decision):
    """Reject a pending registration; one that is rejected stays so. Helpers and owners."""

    action = Action.REJECT


@extend_schema(request=None, responses=RegistrationSerializer)
class Cancel(_Decision):
    """Cancel a pending or approved registration; one that is cancelled stays so. Helpers and owners."""

    action = Action.CANCEL


class _CSVBody(BaseParser):
    """The file as the body itself."""

    media_type = "text/csv"

    def parse(self, stream: IO[bytes], media_type: str | None = None, parser_context: Any = None) -> Any:
        return stream.read(importing.MAX_BYTES + 1)


class RegistrationImport(APIView):
    """Register everybody in a CSV file, sent as `file` of a form or as the body. Helpers and owners.

    UTF-8 with a heading that names at least `name` and `email`. Lines that are not valid are reported and the
    others done; who is registered already stays as they are, so a file may be imported again.
    """

    parser_classes = [MultiPartParser, _CSVBody]

    @extend_schema(
        request={"multipart/form-data": {"type": "object", "properties": {
            "file": {"type": "string", "format": "binary"}}, "required": ["file"]}},
        parameters=[ImportQuery],
        responses=ImportAnswer,
    )  # fmt: skip
    def post(self, request: Request, conference_id: str) -> Response:
        conference = get_conference(request.user, conference_id, role=Role.HELPER)
        query = ImportQuery(data=request.query_params.dict())
        query.is_valid(raise_exception=True)
        report = importing.import_registrations(
            conference=conference, content=_read_upload(request), dry_run=query.validated_data["dry_run"]
        )
        return Response(ImportAnswer(report).data)


def _read_upload(request: Request) -> bytes:
    """The bytes of the uploaded file. Raises ValidationError, or RefusedError `too_large`."""
    content: bytes
    if isinstance(request.data, bytes):
        content = request.data
    else:
        upload = request.FILES.get("file")
        if upload is None:
            raise ValidationError({"file": "No file was sent as `file`."})
        content = upload.read(importing.MAX_BYTES + 1)
    if len(content) > importing.MAX_BYTES:
        raise RefusedError("too_large", f"At most {importing.MAX_BYTES} bytes.", status=413)
    return content
