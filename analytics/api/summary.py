"""Summaries of a range of days."""

import datetime as dt
from typing import Any

import msgspec
from django.http import HttpResponse
from django.utils import timezone
from django.utils.cache import get_conditional_response
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.views import APIView

from analytics.api.kept import Asked, read_summary
from analytics.api.queries import RangeQuery
from analytics.days.zones import local_date
from analytics.ranges.filters import FILTERED, Filter, parse_filters
from analytics.ranges.results import PANELS, Summary
from analytics.ranges.rows import Panel
from analytics.ranges.segments import NotReadyError
from analytics.selectors.summary import (
    MAX_CSV_ROWS,
    MAX_DAYS,
    MAX_ROWS,
    BeyondRetentionError,
    get_panel,
)
from conferences.access import get_conference
from conferences.models import Conference
from meeteasy.core.errors import RefusedError
from meeteasy.core.http import CSVFormat, csv_response
from meeteasy.core.json_output import JSONFormat

_USUAL_DAYS = 7
_FILTER_HELP = (
    "`dimension:is:value` or `dimension:contains:value`, repeated for several. Each selects the visits that "
    f"contain a match. Dimensions: {', '.join(f'`{name}`' for name in FILTERED)}. `is:` without a value is "
    "what is not known."
)


class SummaryQuery(RangeQuery):
    compare = serializers.ChoiceField(["previous"], required=False)
    limit = serializers.IntegerField(min_value=1, max_value=MAX_ROWS, default=10)
    panel = serializers.ChoiceField(sorted(PANELS), required=False)


class RangeTotalsSerializer(serializers.Serializer[Any]):
    """Of a range. UV is counted afresh, never the sum of the days."""

    pv = serializers.IntegerField()
    uv = serializers.IntegerField()
    visits = serializers.IntegerField()
    bounces = serializers.IntegerField(help_text="Visits that were one page view and nothing else.")
    bounce_rate = serializers.FloatField()
    duration_seconds = serializers.FloatField(help_text="From first to last event of an average visit.")
    share_opens = serializers.IntegerField()
    registrations = serializers.IntegerField()
    checkins = serializers.IntegerField()
    registrations_reported = serializers.IntegerField(
        allow_null=True, help_text="Those of them that only clients reported. Null with filters."
    )
    shares = serializers.IntegerField(allow_null=True, help_text="Null with filters.")
    share_conversions = serializers.IntegerField(allow_null=True, help_text="Null with filters.")
    bots = serializers.IntegerField(allow_null=True, help_text="Null with filters.")


class RangeDaySerializer(serializers.Serializer[Any]):
    date = serializers.DateField()
    pv = serializers.IntegerField()
    uv = serializers.IntegerField()
    visits = serializers.IntegerField(help_text="Those that began on this day, or before the range.")
    registrations = serializers.IntegerField()
    checkins = serializers.IntegerField(help_text="First entries.")
    present = serializers.IntegerField(
        allow_null=True,
        help_text="Distinct attendees who came in on this day. Days do not add up. Null with filters.",
    )
    bots = serializers.IntegerField(allow_null=True, help_text="Their page views. Null with filters.")


class RangeHourSerializer(serializers.Serializer[Any]):
    begins_at = serializers.DateTimeField()
    pv = serializers.IntegerField()
    uv = serializers.IntegerField()
    registrations = serializers.IntegerField()
    checkins = serializers.IntegerField()


class RangeComparisonSerializer(serializers.Serializer[Any]):
    until = serializers.DateTimeField(
        allow_null=True, help_text="Where the period before is cut, as the range is not over yet."
    )
    totals = RangeTotalsSerializer()
    days = RangeDaySerializer(many=True, help_text="Cut there, too.")
    hours = RangeHourSerializer(many=True, help_text="Of a range of one day only.")

    def get_fields(self) -> dict[str, Any]:
        return {"from": serializers.DateField(), "to": serializers.DateField(), **super().get_fields()}


class RangeStepSerializer(serializers.Serializer[Any]):
    step = serializers.CharField()
    visitors = serializers.IntegerField()


class RangePanelRowSerializer(serializers.Serializer[Any]):
    value = serializers.CharField()
    count = serializers.IntegerField(help_text="Page views; shares of a channel; visits of an entry page.")
    visitors = serializers.IntegerField(help_text="Distinct visitors. They do not add up.")


class RangePanelSerializer(serializers.Serializer[Any]):
    rows = RangePanelRowSerializer(many=True)
    others_count = serializers.IntegerField(help_text="Of the values that are not among the rows.")
    others_values = serializers.IntegerField(help_text="How many values these are.")


class RangeSummarySerializer(serializers.Serializer[Any]):
    """A range of local days. What is not known (a referrer, a country) is in no panel."""

    conference_id = serializers.CharField()
    time_zone = serializers.CharField()
    filters = serializers.ListField(child=serializers.CharField())
    as_of = serializers.DateTimeField(
        help_text="Totals and days have all of today, the rest is as of then, at most a minute ago."
    )
    totals = RangeTotalsSerializer()
    compare = RangeComparisonSerializer(
        allow_null=True, help_text="Null unless asked for, and where events of the period before are deleted."
    )
    days = RangeDaySerializer(many=True)
    hours = RangeHourSerializer(many=True, help_text="Hours with page views; none for ranges above a month.")
    funnel = RangeStepSerializer(many=True, help_text="Distinct visitors who did each step.")
    panels = serializers.DictField(child=RangePanelSerializer())

    def get_fields(self) -> dict[str, Any]:
        return {"from": serializers.DateField(), "to": serializers.DateField(), **super().get_fields()}


class SummaryOfRange(APIView):
    """Totals, series, funnel and panels of a range of local days."""

    renderer_classes = [JSONFormat, CSVFormat]

    @extend_schema(
        summary="Sum up a range of days",
        parameters=[
            OpenApiParameter("conference_id", OpenApiTypes.STR, required=True),
            OpenApiParameter(
                "from", OpenApiTypes.DATE, description="First local day; by default six before the last."
            ),
            OpenApiParameter(
                "to", OpenApiTypes.DATE, description="Last local day, included; by default today."
            ),
            OpenApiParameter(
                "compare",
                OpenApiTypes.STR,
                enum=["previous"],
                description="Also the totals of the period before, up to the same time of an unfinished day.",
            ),
            OpenApiParameter("filter", OpenApiTypes.STR, many=True, description=_FILTER_HELP),
            OpenApiParameter("limit", OpenApiTypes.INT, description="Rows of each panel, 10 by default."),
            OpenApiParameter(
                "panel",
                OpenApiTypes.STR,
                enum=sorted(PANELS),
                description="For CSV: one panel, 50,000 rows at most.",
            ),
            OpenApiParameter("format", OpenApiTypes.STR, enum=["json", "csv"]),
        ],
        responses={
            (200, "application/json"): RangeSummarySerializer,
            (200, "text/csv"): OpenApiTypes.STR,
            304: OpenApiResponse(description="As the answer whose `ETag` is in If-None-Match"),
            409: OpenApiResponse(description="`beyond_retention`: events of some of these days are deleted"),
            503: OpenApiResponse(description="The range is still being summed up, see Retry-After"),
        },
    )
    def get(self, request: Request) -> Any:
        query = SummaryQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        asked = query.validated_data
        filters = _read_filters(request)
        conference = get_conference(request.user, asked["conference_id"])
        first, last = _range(conference, asked)
        try:
            if request.accepted_renderer.format == "csv":
                return _answer_csv(conference, asked.get("panel"), first, last, filters)
            panels = (asked["panel"],) if "panel" in asked else tuple(PANELS)
            name, content = read_summary(
                Asked(conference, first, last, tuple(filters), "compare" in asked, panels, asked["limit"]),
                encode,
            )
        except NotReadyError as error:
            message = f"The range is being summed up: {error}. Ask again."
            raise RefusedError("not_ready", message, status=503) from error
        except BeyondRetentionError as error:
            message = (
                f"Events before {error.first_kept} were deleted, as this conference keeps them no longer. "
                "`/api/analytics/daily` has the figures of those days."
            )
            raise RefusedError(
                "beyond_retention", message, first_kept=error.first_kept.isoformat()
            ) from error
        # Weak, since `as_of` is another each time.
        etag = f'W/"{name}"' if name else None
        response = get_conditional_response(request, etag=etag) if etag else None
        response = response or HttpResponse(content, content_type="application/json")
        if etag:
            response["ETag"] = etag
        return response


def encode(summary: Summary) -> bytes:
    """The answer as JSON, but for `as_of`."""
    plain: dict[str, Any] = msgspec.to_builtins(summary)
    comparison = summary.comparison and {
        "from": summary.comparison.first.isoformat(),
        "to": summary.comparison.last.isoformat(),
        "until": plain["comparison"]["until"],
        **{name: plain["comparison"][name] for name in ("totals", "days", "hours")},
    }
    answer = {
        "conference_id": summary.conference_id,
        "time_zone": summary.time_zone,
        "from": plain["first"],
        "to": plain["last"],
        "filters": [str(item) for item in summary.filters],
        "totals": plain["totals"],
        "compare": comparison,
        "days": plain["days"],
        "hours": plain["hours"],
        "funnel": plain["funnel"],
        "panels": {name: _panel_json(panel) for name, panel in summary.panels.items()},
    }
    return msgspec.json.encode(answer)


def _panel_json(panel: Panel) -> dict[str, Any]:
    return {**panel._asdict(), "rows": msgspec.to_builtins(panel.rows)}


def _answer_csv(
    conference: Conference, name: str | None, first: dt.date, last: dt.date, filters: list[Filter]
) -> Any:
    if name is None:
        raise serializers.ValidationError({"panel": "Say which panel the file shall have."})
    panel = get_panel(conference, name, first=first, last=last, filters=filters, limit=MAX_CSV_ROWS)
    rows = map(msgspec.structs.asdict, panel.rows)
    return csv_response(f"{name}-{conference.id}.csv", ["value", "count", "visitors"], rows)


def _range(conference: Conference, asked: dict[str, Any]) -> tuple[dt.date, dt.date]:
    today = local_date(conference.time_zone, round(timezone.now().timestamp() * 1000))
    last = asked.get("last") or today
    first = asked.get("first") or last - dt.timedelta(days=_USUAL_DAYS - 1)
    if last < first:
        raise serializers.ValidationError({"from": "`from` is after today."})
    if (last - first).days >= MAX_DAYS:
        raise serializers.ValidationError({"from": f"A range may have at most {MAX_DAYS} days."})
    return first, last


def _read_filters(request: Request) -> list[Filter]:
    try:
        return parse_filters(request.query_params.getlist("filter"))
    except ValueError as error:
        raise serializers.ValidationError({"filter": str(error)}) from error
