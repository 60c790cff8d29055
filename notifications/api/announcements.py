"""Announcing to all registrants that a conference moved or is cancelled."""

from typing import Any

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import generics
from rest_framework.request import Request
from rest_framework.response import Response

from conferences.access import Role, get_conference
from notifications.api.serializers import AnnouncementInput, AnnouncementSerializer
from notifications.models import Announcement
from notifications.selectors.announcements import list_announcements
from notifications.selectors.notifications import READ_ROLE
from notifications.services.announcing import announce


class AnnouncementList(generics.ListAPIView[Announcement]):
    """List the announcements to all registrants, newest first. Owners and helpers."""

    serializer_class = AnnouncementSerializer
    queryset = Announcement.objects.none()

    @extend_schema(summary="List the announcements of a conference")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        conference = get_conference(request.user, kwargs["conference_id"], role=READ_ROLE)
        page = self.paginate_queryset(list_announcements(conference))
        return self.get_paginated_response(self.get_serializer(page, many=True).data)

    @extend_schema(
        summary="Announce that a conference moved or is cancelled",
        request=AnnouncementInput,
        responses={
            202: AnnouncementSerializer,
            200: OpenApiResponse(AnnouncementSerializer, "Announced before; nobody gets a second message."),
        },
    )
    def post(self, request: Request, conference_id: str) -> Response:
        """Email all registrants an updated or cancelled calendar entry. Owners.

        `moved` announces the conference's current date and place, so change them first. `cancelled` also
        cancels the conference, and `moved` takes that back.
        """
        conference = get_conference(request.user, conference_id, role=Role.OWNER)
        given = AnnouncementInput(data=request.data)
        given.is_valid(raise_exception=True)
        announced = announce(conference, given.validated_data["kind"], by=request.user)
        answer = AnnouncementSerializer(announced.announcement).data
        return Response(answer, status=202 if announced.created else 200)
