"""Endpoints for registering, which is public, and for managing registrations."""

from dataclasses import asdict
from typing import Any

from django.db.models import QuerySet
from django.http import Http404, HttpResponseBase
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import ValidationError
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from conferences.access import Role, get_conference, get_registration, signed_in
from conferences.api.exports import TABLE_FORMATS, answer_with_file
from conferences.api.public import CORS_HEADERS, RegistrationThrottle, SmallJSONParser, make_visitor_id
from conferences.api.serializers import (
    FORM_FIELDS,
    RegistrationAnswer,
    RegistrationFilter,
    RegistrationInput,
    RegistrationSerializer,
)
from conferences.decoration import FieldWarning, printable
from conferences.models import Conference, Registration
from conferences.selectors.registrations import attach_check_ins, find_registrations
from conferences.services.idempotency import Answer, answer_once
from conferences.services.registrations import decide, register
from conferences.states import Action
from meeteasy.core.http import refuse_fields
from meeteasy.core.json_output import JSONFormat
from meeteasy.core.serializers import read_query

IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="For 48 hours, the same key with the same body gets the same answer and does nothing again.",
)
_PUBLIC = ("POST", "OPTIONS")


class RegistrationList(generics.ListAPIView[Registration]):
    """Registrations of a conference. POST is public and allows any origin; GET is for members."""

    serializer_class = RegistrationSerializer
    parser_classes = [SmallJSONParser]
    renderer_classes = [JSONFormat, *TABLE_FORMATS]
    queryset = Registration.objects.none()

    @property
    def _is_public(self) -> bool:
        return getattr(self, "request", None) is not None and self.request.method in _PUBLIC

    def get_authenticators(self) -> list[BaseAuthentication]:
        # A signed-in user who registers needs no CSRF token either: nothing depends on who they are.
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
        """Answer the preflight request of a browser."""
        return Response(status=204)

    @extend_schema(
        summary="Register for a conference",
        request=RegistrationInput,
        parameters=[IDEMPOTENCY_KEY],
        auth=[],
        responses={201: RegistrationAnswer},
    )
    def post(self, request: Request, conference_id: str) -> Response:
        """Register a person. Public, from any origin.

        A person who is already registered gets the same answer as a new one. Answers 403
        `conference_cancelled`, `registration_not_open` or `registration_closed`, or 409 `full` if there is no
        waiting list.
        """
        conference = Conference.objects.filter(id=conference_id).first()
        if conference is None:
            raise Http404(f"There is no conference {conference_id!r}.")
        given, unknown = _read_form(request.data)

        if not given["visitor_id"]:
            given["visitor_id"] = make_visitor_id(request, conference)

        def act() -> Answer:
            outcome = register(conference=conference, **given)
            return 201, {
                "receipt": outcome.receipt,
                "conference_id": conference.id,
                "state": str(outcome.state),
                "warnings": [asdict(warning) for warning in (*outcome.warnings, *unknown)],
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
        summary="List registrations, newest first",
        parameters=[
            RegistrationFilter,
            OpenApiParameter("format", OpenApiTypes.STR, enum=["json", "csv", "xlsx"]),
        ],
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:  # type: ignore[override]
        """List registrations, for members. `format=csv` or `xlsx` downloads all that match.

        With more than 50,000 rows that answers 422 `too_many_rows`; start an export then.
        """
        conference = get_conference(request.user, kwargs["conference_id"])
        query = read_query(RegistrationFilter, request.query_params.dict())
        file = answer_with_file(
            request, conference, "registrations", f"registrations-{conference.id}", **query
        )
        if file is not None:
            return file
        found: QuerySet[Registration] = find_registrations(conference, **query)
        page = self.paginate_queryset(found.select_related("decided_by").prefetch_related(None)) or ()
        attach_check_ins(page)
        return self.get_paginated_response(self.get_serializer(page, many=True).data)


def _read_form(data: Any) -> tuple[dict[str, Any], list[FieldWarning]]:
    """Return the fields of a form, which `register` checks, and warnings about unknown fields.

    Raises ValidationError if `data` is not an object.
    """
    if not isinstance(data, dict):
        raise ValidationError({"non_field_errors": ["This must be an object."]})
    given = {name: data.get(name) for name in FORM_FIELDS}
    unknown = [printable(name) for name in data if name not in FORM_FIELDS]
    message = _("There is no such field.")
    return given, [FieldWarning(name, "unknown_field", message) for name in unknown[:20]]


class RegistrationDetail(APIView):
    """A registration."""

    @extend_schema(summary="Read a registration", responses=RegistrationSerializer)
    def get(self, request: Request, conference_id: str, registration_id: str) -> Response:
        found = get_registration(request.user, conference_id, registration_id)
        return Response(RegistrationSerializer(found).data)


class _Decision(APIView):
    action: Action

    def post(self, request: Request, conference_id: str, registration_id: str) -> Response:
        found = get_registration(request.user, conference_id, registration_id, role=Role.HELPER)
        refuse_fields(request)
        decide(found.id, self.action, by=signed_in(request.user))
        found = get_registration(request.user, conference_id, registration_id, role=Role.HELPER)
        return Response(RegistrationSerializer(found).data)


@extend_schema(request=None, responses=RegistrationSerializer)
class Approve(_Decision):
    """Approve a waiting, pending or rejected registration. Helpers and owners.

    Approving it again changes nothing. A person on the waiting list gets a place regardless of the capacity.
    """

    action = Action.APPROVE


@extend_schema(request=None, responses=RegistrationSerializer)
class Reject(_Decision):
    """Reject a waiting or pending registration. Helpers and owners.

    Rejecting it again changes nothing.
    """

    action = Action.REJECT


@extend_schema(request=None, responses=RegistrationSerializer)
class Cancel(_Decision):
    """Cancel a waiting, pending or approved registration. Helpers and owners.

    Cancelling it again changes nothing. A freed place goes to the waiting list.
    """

    action = Action.CANCEL
