"""Views to void registrations, links and sharers of a conference."""

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from conferences.access import Role, get_conference, signed_in
from meeteasy.core.serializers import ModelSerializer, StrictSerializer, read_body, read_query
from sharing.models import Void
from sharing.services import voiding

_KIND = OpenApiParameter("kind", enum=list(Void.Kind.values), required=True, description="What is void.")
_KEY = OpenApiParameter("key", required=True, description="A registration's id, a code, or a sharer.")


class VoidTarget(StrictSerializer):
    kind = serializers.ChoiceField(Void.Kind.choices)
    key = serializers.CharField(max_length=80)


class VoidRequest(VoidTarget):
    reason = serializers.CharField(max_length=500)


class VoidSerializer(ModelSerializer[Void]):
    """A decision. One that was undone stays in the list."""

    class Meta:
        model = Void
        fields = ["kind", "key", "reason", "voided_by", "voided_at", "undone_by", "undone_at"]
        read_only_fields = fields


class Voids(generics.ListAPIView[Void]):
    """What organizers voided in a conference."""

    serializer_class = VoidSerializer
    queryset = Void.objects.none()

    @extend_schema(summary="List voided registrations, links and sharers")
    def get(self, request: Request, conference_id: str) -> Response:
        conference = get_conference(request.user, conference_id)
        page = self.paginate_queryset(Void.objects.filter(conference_id=conference.id))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @extend_schema(
        summary="Void a registration, a link or a sharer",
        request=VoidRequest,
        responses={201: VoidSerializer},
    )
    def post(self, request: Request, conference_id: str) -> Response:
        conference = get_conference(request.user, conference_id, role=Role.OWNER)
        given = read_body(VoidRequest, request.data)
        decision = voiding.void(conference, by=signed_in(request.user), **given)
        return Response(VoidSerializer(decision).data, status=201)

    @extend_schema(
        summary="Undo a void", parameters=[_KIND, _KEY], request=None, responses={200: VoidSerializer}
    )
    def delete(self, request: Request, conference_id: str) -> Response:
        conference = get_conference(request.user, conference_id, role=Role.OWNER)
        given = read_query(VoidTarget, request.query_params)
        decision = voiding.undo_void(conference, by=signed_in(request.user), **given)
        return Response(VoidSerializer(decision).data)
