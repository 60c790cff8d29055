"""What organizers decide about the event door, and what it refused."""

from typing import Any

from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from redis.exceptions import RedisError
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from analytics.api.queries import ConferenceQuery
from analytics.ingest import refusals
from analytics.ingest.rules import LISTS, check_rules
from analytics.models import DoorRules
from conferences.access import get_conference
from conferences.models import Conference, Member
from meeteasy.core.errors import RefusedError
from meeteasy.core.serializers import StrictSerializer

_CONFERENCE_ID = OpenApiParameter("conference_id", OpenApiTypes.STR, required=True)


class RulesSerializer(StrictSerializer):
    """An empty list of origins allows all. Requests of servers and scripts have no origin; `origin_required`
    refuses them."""

    allowed_origins = serializers.ListField(
        child=serializers.CharField(), required=False, help_text="Pages that may send: `https://example.org`."
    )
    origin_required = serializers.BooleanField(
        required=False, help_text="Whether to refuse requests that come from no page."
    )
    blocked_networks = serializers.ListField(
        child=serializers.CharField(), required=False, help_text="Ranges of addresses: `192.0.2.0/24`."
    )
    blocked_pages = serializers.ListField(
        child=serializers.CharField(), required=False, help_text="Patterns of pages: `/preview/*`."
    )


class RefusalsSerializer(serializers.Serializer[Any]):
    conference_id = serializers.CharField(read_only=True)
    days = serializers.DictField(
        child=serializers.DictField(child=serializers.IntegerField()),
        read_only=True,
        help_text="The number of refused events, by UTC date and reason.",
    )


class Rules(APIView):
    """What the event door refuses for a conference. Changes take effect within some seconds."""

    @extend_schema(
        summary="Read the rules of the event door", parameters=[_CONFERENCE_ID], responses=RulesSerializer
    )
    def get(self, request: Request) -> Response:
        conference = _conference(request)
        rules = DoorRules.objects.filter(conference_id=conference.id).first()
        return Response(RulesSerializer(rules or DoorRules()).data)

    @extend_schema(
        summary="Set the rules of the event door",
        parameters=[_CONFERENCE_ID],
        request=RulesSerializer,
        responses=RulesSerializer,
    )
    def put(self, request: Request) -> Response:
        """For owners. A list that is left out becomes empty, and what is not required may be missing."""
        conference = _conference(request, role=Member.Role.OWNER)
        given = RulesSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        wanted = given.validated_data
        origin_required = wanted.pop("origin_required", False)
        lists: dict[str, Any] = {name: wanted.get(name, []) for name in LISTS}
        check_rules(**lists)
        rules, _ = DoorRules.objects.update_or_create(
            conference_id=conference.id, defaults={**lists, "origin_required": origin_required}
        )
        return Response(RulesSerializer(rules).data)


class Refusals(APIView):
    """What the event door refused of the last seven days, because of the conference's rules."""

    @extend_schema(
        summary="Read what the event door refused",
        parameters=[_CONFERENCE_ID],
        responses={200: RefusalsSerializer, 503: OpenApiResponse(description="Redis cannot be reached")},
    )
    def get(self, request: Request) -> Response:
        conference = _conference(request)
        try:
            days = refusals.read_days(conference.id, today=timezone.now().date())
        except RedisError as error:
            message = "Refusals cannot be read at the moment. Try again later."
            raise RefusedError("unavailable", message, status=503) from error
        return Response({"conference_id": conference.id, "days": days})


def _conference(request: Request, *, role: Member.Role = Member.Role.VIEWER) -> Conference:
    query = ConferenceQuery(data=request.query_params)
    query.is_valid(raise_exception=True)
    return get_conference(request.user, query.validated_data["conference_id"], role=role)
