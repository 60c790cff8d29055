"""Daily summaries and today's figures, for organizers. analytics/ingest takes the events."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from redis.exceptions import RedisError
from rest_framework import generics, serializers
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from analytics.api.queries import ConferenceQuery, RangeQuery
from analytics.days.figures import figure_names
from analytics.models import DailySummary
from analytics.selectors.daily import get_summaries
from analytics.selectors.live import get_live
from conferences.access import get_conference
from meeteasy.core.errors import RefusedError
from meeteasy.core.http import CSVFormat, csv_response

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
        return summary_row(instance)


class LiveSerializer(_FiguresSerializer):
    """Today by the conference's clock, and the visitors of the last 5 minutes."""

    conference_id = serializers.CharField(read_only=True)
    date = serializers.DateField(read_only=True)
    visitors_now = serializers.IntegerField(read_only=True)


def summary_row(summary: DailySummary) -> dict[str, Any]:
    return {
        "date": summary.date.isoformat(),
        "conference_id": summary.conference_id,
        **{name: summary.figures.get(name, 0) for name in figure_names()},
        "revision": summary.revision,
        "computed_at": summary.computed_at.isoformat(),
        "closed_at": summary.closed_at and summary.closed_at.isoformat(),
    }


class Daily(generics.ListAPIView[DailySummary]):
    """The summaries of a conference, a row for each local day."""

    serializer_class = SummarySerializer
    renderer_classes = [JSONRenderer, CSVFormat]
    queryset = DailySummary.objects.none()

    @extend_schema(
        summary="Read daily summaries",
        parameters=[
            _CONFERENCE_ID,
            OpenApiParameter("from", OpenApiTypes.DATE, description="First local day, included."),
            OpenApiParameter("to", OpenApiTypes.DATE, description="Last local day, included."),
            OpenApiParameter("format", OpenApiTypes.STR, enum=["json", "csv"]),
        ],
        responses={
            (200, "application/json"): SummarySerializer(many=True),
            (200, "text/csv"): OpenApiTypes.STR,
        },
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Any:
        query = RangeQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        conference = get_conference(request.user, query.validated_data["conference_id"])
        summaries = get_summaries(
            conference.id,
            first=query.validated_data.get("first"),
            last=query.validated_data.get("last"),
        )
        if request.accepted_renderer.format == "csv":
            columns = ["date", "conference_id", *figure_names(), "revision"]
            return csv_response(f"daily-{conference.id}.csv", columns, map(summary_row, summaries.iterator()))
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
        query = ConferenceQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        conference = get_conference(request.user, query.validated_data["conference_id"])
        try:
            return Response(get_live(conference))
        except RedisError as error:
            message = "Live figures cannot be read at the moment. Try again later."
            raise RefusedError("unavailable", message, status=503) from error
