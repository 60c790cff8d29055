"""Daily summaries and today's figures, for organizers. analytics/ingest takes the events."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from redis.exceptions import RedisError
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from analytics.api.queries import ConferenceQuery, RangeQuery
from analytics.days.figures import figure_names
from analytics.models import DailySummary
from analytics.selectors.daily import get_summaries, make_row
from analytics.selectors.live import get_live
from conferences.access import get_conference
from conferences.api.exports import TABLE_FORMATS, answer_with_file
from meeteasy.core.errors import RefusedError
from meeteasy.core.json_output import JSONFormat
from meeteasy.core.serializers import read_query

_CONFERENCE_ID = OpenApiParameter("conference_id", OpenApiTypes.STR, required=True)


class _FiguresSerializer(serializers.Serializer[Any]):
    """Declares every figure by its name, for the description of the API."""

    def get_fields(self) -> dict[str, Any]:
        figures = {name: serializers.IntegerField(read_only=True) for name in figure_names()}
        return {**super().get_fields(), **figures}


class SummarySerializer(_FiguresSerializer):
    """A local day of a conference; `revision` goes up by one whenever a figure changed."""

    date = serializers.DateField(read_only=True)
    conference_id = serializers.CharField(read_only=True)
    revision = serializers.IntegerField(read_only=True)
    computed_at = serializers.DateTimeField(read_only=True)
    closed_at = serializers.DateTimeField(read_only=True, allow_null=True)

    def to_representation(self, instance: DailySummary) -> dict[str, Any]:
        return make_row(instance)


class LiveSerializer(_FiguresSerializer):
    """Today by the conference's clock, and the visitors of the last 5 minutes."""

    conference_id = serializers.CharField(read_only=True)
    date = serializers.DateField(read_only=True)
    visitors_now = serializers.IntegerField(read_only=True)


class Daily(generics.ListAPIView[DailySummary]):
    """The summaries of a conference, a row for each local day."""

    serializer_class = SummarySerializer
    renderer_classes = [JSONFormat, *TABLE_FORMATS]
    queryset = DailySummary.objects.none()

    @extend_schema(
        summary="Read daily summaries",
        parameters=[
            _CONFERENCE_ID,
            OpenApiParameter("from", OpenApiTypes.DATE, description="First local day, included."),
            OpenApiParameter("to", OpenApiTypes.DATE, description="Last local day, included."),
            OpenApiParameter("format", OpenApiTypes.STR, enum=["json", "csv", "xlsx"]),
        ],
        responses={
            (200, "application/json"): SummarySerializer(many=True),
            (200, "text/csv"): OpenApiTypes.STR,
        },
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Any:
        query = read_query(RangeQuery, request.query_params)
        conference = get_conference(request.user, query["conference_id"])
        first, last = query.get("first"), query.get("last")
        file = answer_with_file(
            request, conference, "daily", f"daily-{conference.id}", first=first, last=last
        )
        if file is not None:
            return file
        summaries = get_summaries(conference.id, first=first, last=last)
        page = self.paginate_queryset(summaries)
        return self.get_paginated_response(self.get_serializer(page, many=True).data)


class Live(APIView):
    """Today's figures so far, and the visitors of the last 5 minutes."""

    @extend_schema(
        summary="Read today's figures",
        parameters=[_CONFERENCE_ID],
        responses={200: LiveSerializer, 503: OpenApiResponse(description="Redis cannot be reached")},
    )
    def get(self, request: Request) -> Response:
        query = read_query(ConferenceQuery, request.query_params)
        conference = get_conference(request.user, query["conference_id"])
        try:
            return Response(get_live(conference))
        except RedisError as error:
            message = "Live figures cannot be read at the moment. Try again later."
            raise RefusedError("unavailable", message, status=503) from error
