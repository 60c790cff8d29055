"""Endpoints for the organizers' outbox and for providers' delivery reports."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, status
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from conferences.access import get_conference
from meeteasy.core.http import error_body, refuse_fields
from meeteasy.core.logs import get_logger
from notifications.api.serializers import NotificationFilter, NotificationSerializer
from notifications.channels.sms import SMS_PROVIDERS
from notifications.models import Notification, Suppression
from notifications.selectors.notifications import READ_ROLE, get_notification, list_notifications
from notifications.services import outbox, reporting

log = get_logger(__name__)


class Conflict(APIException):
    status_code = status.HTTP_409_CONFLICT
    default_code = "wrong_status"


_ID = OpenApiParameter(
    "notification_id", OpenApiTypes.UUID, OpenApiParameter.PATH, description="The id of a notification."
)


class NotificationList(generics.ListAPIView[Notification]):
    """List the notifications of a conference, newest first. Owners and helpers."""

    serializer_class = NotificationSerializer
    queryset = Notification.objects.none()

    @extend_schema(summary="List the notifications of a conference", parameters=[NotificationFilter])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        query = NotificationFilter(data=request.query_params)
        query.is_valid(raise_exception=True)
        filters = dict(query.validated_data)
        conference = get_conference(request.user, filters.pop("conference_id"), role=READ_ROLE)
        page = self.paginate_queryset(list_notifications(conference, **filters))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)


class NotificationDetail(APIView):
    """Read one notification. Owners and helpers of its conference."""

    @extend_schema(
        summary="Read a notification",
        operation_id="notifications_retrieve",
        parameters=[_ID],
        responses=NotificationSerializer,
    )
    def get(self, request: Request, notification_id: Any) -> Response:
        return Response(NotificationSerializer(get_notification(request.user, notification_id)).data)


class Resend(APIView):
    """Resend a notification in any status. Answers 409 while it is being sent."""

    @extend_schema(
        summary="Send a notification again",
        operation_id="notifications_resend",
        parameters=[_ID],
        request=None,
        responses=NotificationSerializer,
    )
    def post(self, request: Request, notification_id: Any) -> Response:
        return _act(request, notification_id, outbox.resend)


class Abort(APIView):
    """Abort a notification that is still waiting. Answers 409 if it is too late."""

    @extend_schema(
        summary="Abort a notification",
        operation_id="notifications_abort",
        parameters=[_ID],
        request=None,
        responses=NotificationSerializer,
    )
    def post(self, request: Request, notification_id: Any) -> Response:
        return _act(request, notification_id, outbox.abort)


def _act(request: Request, notification_id: Any, action: Any) -> Response:
    row = get_notification(request.user, notification_id)
    refuse_fields(request)
    try:
        with transaction.atomic():
            action(row.pk, by=request.user)
    except outbox.WrongStatusError as error:
        raise Conflict(str(error)) from error
    row.refresh_from_db()
    return Response(NotificationSerializer(row).data)


@csrf_exempt
@require_POST
def sms_callback(request: HttpRequest, provider: str) -> HttpResponse:
    """Receive delivery reports of an SMS provider. Public; the provider's class authenticates them."""
    found = SMS_PROVIDERS.get(provider)
    if found is None:
        return JsonResponse(error_body("not_found", "There is no such SMS provider."), status=404)
    try:
        lines = found.read_callback(request)
    except PermissionDenied as error:
        log.warning("sms_callback_refused", provider=provider, reason=str(error))
        return JsonResponse(error_body("permission_denied", str(error)), status=403)
    except ValueError as error:
        return JsonResponse(error_body("invalid", f"This is no delivery report: {error}"), status=400)
    for line in lines:
        row = reporting.find_notification(
            channel="sms", reference=line.reference, provider_id=line.provider_id
        )
        if row is None:
            continue  # it belongs to another system on the same account, or was deleted
        if line.delivered is None:
            reporting.note_accepted(row, provider_id=line.provider_id)
        elif line.delivered:
            reporting.note_delivered(row, provider_id=line.provider_id)
        else:
            reporting.note_lost(
                row,
                status=Notification.Status.FAILED,
                detail=line.detail or "the provider reports a failure",
                provider_id=line.provider_id,
            )
        if line.unsubscribed:
            reporting.suppress_recipient(row, reason=Suppression.Reason.UNSUBSCRIBED)
    return found.answer_callback()
