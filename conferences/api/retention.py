"""How long a conference keeps its events, messages and files."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from conferences.access import Role, get_conference
from conferences.models import Conference
from conferences.models.conference import MAX_KEPT_DAYS
from conferences.services import retention
from meeteasy.core.serializers import StrictSerializer


def _days(what: str, least: int) -> Any:
    return serializers.IntegerField(
        min_value=least, max_value=MAX_KEPT_DAYS, allow_null=True, required=False,
        help_text=f"Days after which {what} are deleted. Null: with the conference.",
    )  # fmt: skip


class RetentionSerializer(StrictSerializer):
    keep_events_days = _days("page views and other events that decide about no registration or credit", 30)
    keep_messages_days = _days("mails and SMS that are through", 30)
    keep_files_days = _days("converted files, jobs that ended, and earlier states of event pages", 1)


class RetentionDueSerializer(serializers.Serializer[Any]):
    kind = serializers.CharField(
        help_text="`events`, `messages`, `mailbox`, `files`, `jobs`, `exports`, `generations` or `revisions`."
    )
    date = serializers.DateField(help_text="Local day.")
    count = serializers.IntegerField(source="rows")


class RetentionAnswer(RetentionSerializer):
    in_force_at = serializers.DateTimeField(
        allow_null=True, help_text="When deletion begins or began, a day after it was set. Null: never."
    )
    events_deleted_before = serializers.DateField(
        allow_null=True, help_text="Days before this one have summaries, but no events to analyse."
    )
    due = RetentionDueSerializer(many=True, help_text="What is old enough now, the oldest days first.")
    due_is_cut = serializers.BooleanField(help_text="There is more, which was not counted.")


class Retention(APIView):
    """How long events, messages and files are kept."""

    @extend_schema(
        summary="Read how long data is kept, and what is due",
        description="Owners. Days in the query are tried in place of those that are set; nothing changes.",
        parameters=[RetentionSerializer],
        responses=RetentionAnswer,
    )
    def get(self, request: Request, conference_id: str) -> Response:
        conference = get_conference(request.user, conference_id, role=Role.OWNER)
        tried = RetentionSerializer(data=request.query_params.dict())
        tried.is_valid(raise_exception=True)
        retention.check_days(tried.validated_data)
        return Response(_answer(conference, tried.validated_data))

    @extend_schema(
        summary="Set how long data is kept",
        description="Owners. Deletion begins a day later, and cannot be undone from then on.",
        request=RetentionSerializer,
        responses=RetentionAnswer,
    )
    def patch(self, request: Request, conference_id: str) -> Response:
        conference = get_conference(request.user, conference_id, role=Role.OWNER)
        given = RetentionSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        retention.set_retention(conference, **given.validated_data)
        return Response(_answer(conference, {}))


def _answer(conference: Conference, tried: dict[str, int | None]) -> dict[str, Any]:
    found = retention.preview(conference, tried)
    answer = {
        **{kind.field: getattr(conference, kind.field) for kind in retention.kinds()},
        "in_force_at": retention.in_force_at(conference),
        "events_deleted_before": conference.events_deleted_before,
        "due": found.due,
        "due_is_cut": found.is_cut,
    }
    return dict(RetentionAnswer(answer).data)
