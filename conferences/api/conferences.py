from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from conferences import services
from conferences.access import Role, get_conference, signed_in, visible_conferences
from conferences.api.serializers import ConferenceSerializer
from conferences.models import Conference
from meeteasy.core.http import refuse_fields


@extend_schema_view(
    get=extend_schema(summary="List the conferences that you are a member of"),
    post=extend_schema(summary="Create a conference"),
)
class ConferenceList(generics.ListCreateAPIView[Conference]):
    serializer_class = ConferenceSerializer

    def get_queryset(self) -> QuerySet[Conference]:
        return visible_conferences(self.request.user)

    def perform_create(self, serializer: serializers.BaseSerializer[Any]) -> None:
        owner = signed_in(self.request.user)
        serializer.instance = services.create_conference(owner=owner, **serializer.validated_data)


@extend_schema_view(
    get=extend_schema(summary="Read a conference"),
    patch=extend_schema(
        summary="Change a conference",
        description="Owners. Changing its time zone recomputes all its days; instants stay as they are.",
    ),
)
class ConferenceDetail(generics.RetrieveUpdateAPIView[Conference]):
    serializer_class = ConferenceSerializer
    http_method_names = ["get", "patch", "head", "options"]
    lookup_url_kwarg = "conference_id"

    def get_queryset(self) -> QuerySet[Conference]:
        return visible_conferences(self.request.user)

    def get_object(self) -> Conference:
        role = Role.OWNER if self.request.method == "PATCH" else Role.VIEWER
        return get_conference(self.request.user, self.kwargs["conference_id"], role=role)

    def perform_update(self, serializer: serializers.BaseSerializer[Any]) -> None:
        assert serializer.instance is not None
        services.update_conference(serializer.instance, **serializer.validated_data)


class CancelConference(APIView):
    @extend_schema(summary="Cancel a conference", request=None, responses=ConferenceSerializer)
    def post(self, request: Request, conference_id: str) -> Response:
        """Cancel a conference. Owners. Its form closes; reminders and confirmations stop.

        Registrations stay as they are, and nobody is notified: an announcement does that. Cancelling it again
        changes nothing.
        """
        conference = get_conference(request.user, conference_id, role=Role.OWNER)
        refuse_fields(request)
        services.cancel_conference(conference, by=request.user)
        return Response(ConferenceSerializer(conference).data)


class ReinstateConference(APIView):
    @extend_schema(summary="Take a cancellation back", request=None, responses=ConferenceSerializer)
    def post(self, request: Request, conference_id: str) -> Response:
        """Take the cancellation of a conference back. Owners. If it was not cancelled, nothing changes."""
        conference = get_conference(request.user, conference_id, role=Role.OWNER)
        refuse_fields(request)
        services.reinstate_conference(conference, by=request.user)
        return Response(ConferenceSerializer(conference).data)
