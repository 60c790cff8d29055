"""Reports that are held beyond a quota: what waits, and what an organizer decides."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from analytics import holding
from analytics.api.queries import ConferenceQuery
from analytics.models import Event, HoldDecision
from analytics.selectors.held import find_decisions, find_held
from analytics.tasks import carry_out_hold_decisions
from conferences.access import Role, get_conference, signed_in
from meeteasy.core.jobs import wake
from meeteasy.core.serializers import ModelSerializer, StrictSerializer

_CONFERENCE_ID = OpenApiParameter("conference_id", OpenApiTypes.STR, required=True)
_HOLDS = [Event.Hold.HELD, Event.Hold.VOID]


class HeldSerializer(ModelSerializer[Event]):
    """A report as it came; `subject` is the registration that it is about."""

    event_id = serializers.CharField(read_only=True)

    class Meta:
        model = Event
        fields = ["event_id", "type", "ts", "received_at", "local_date", "visitor_id", "subject", "data"]
        read_only_fields = fields


class HeldQuery(ConferenceQuery):
    hold = serializers.ChoiceField(_HOLDS, required=False, default=Event.Hold.HELD)


class DecisionRequest(StrictSerializer):
    """What to do with held reports. Without `event_ids`: with all that are held now. Reports that were voided
    can be released by their ids."""

    conference_id = serializers.CharField(max_length=64)
    action = serializers.ChoiceField(HoldDecision.Action.choices)
    event_ids = serializers.ListField(
        child=serializers.CharField(max_length=80),
        max_length=holding.MAX_EVENTS,
        required=False,
        default=list,
    )
    reason = serializers.CharField(max_length=500, required=False, default="", allow_blank=True)


class DecisionSerializer(ModelSerializer[HoldDecision]):
    """A decision; `done_at` is null until the workers carried it out, and `event_count` says how many reports
    it has changed so far."""

    class Meta:
        model = HoldDecision
        fields = [
            "id", "conference_id", "action", "is_for_all", "reason", "decided_by", "decided_at", "done_at",
            "event_count",
        ]  # fmt: skip
        read_only_fields = fields


class Held(generics.ListAPIView[Event]):
    """Held reports of a conference."""

    serializer_class = HeldSerializer
    queryset = Event.objects.none()

    @extend_schema(
        summary="List held reports",
        parameters=[
            _CONFERENCE_ID,
            OpenApiParameter("hold", enum=[str(hold) for hold in _HOLDS], description="`held` by default."),
        ],
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Any:
        query = HeldQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        wanted = query.validated_data
        conference = get_conference(request.user, wanted["conference_id"], role=Role.HELPER)
        page = self.paginate_queryset(find_held(conference.id, wanted["hold"]))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @extend_schema(
        summary="Release or void held reports",
        request=DecisionRequest,
        responses={202: DecisionSerializer},
    )
    def post(self, request: Request) -> Response:
        given = DecisionRequest(data=request.data)
        given.is_valid(raise_exception=True)
        wanted = given.validated_data
        conference = get_conference(request.user, wanted["conference_id"], role=Role.OWNER)
        decision = holding.decide(
            conference_id=conference.id,
            action=HoldDecision.Action(wanted["action"]),
            event_ids=wanted["event_ids"],
            reason=wanted["reason"],
            by=signed_in(request.user).get_username(),
        )
        wake(carry_out_hold_decisions)
        return Response(DecisionSerializer(decision).data, status=202)


class Decisions(generics.ListAPIView[HoldDecision]):
    """What organizers decided about held reports, the latest first."""

    serializer_class = DecisionSerializer
    queryset = HoldDecision.objects.none()

    @extend_schema(summary="List decisions about held reports", parameters=[_CONFERENCE_ID])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Any:
        query = ConferenceQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        conference = get_conference(request.user, query.validated_data["conference_id"], role=Role.HELPER)
        page = self.paginate_queryset(find_decisions(conference.id))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)
