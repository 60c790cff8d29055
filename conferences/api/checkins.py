"""Checking in at the door."""

from django.db.models import QuerySet
from django.http import Http404
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import generics
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from conferences import badges
from conferences.access import Role, get_check_in, get_conference, get_registration, signed_in
from conferences.api.registrations import IDEMPOTENCY_KEY
from conferences.api.serializers import CheckInAnswer, CheckInInput, CheckInSerializer
from conferences.models import CheckIn
from conferences.selectors.registrations import find_check_ins
from conferences.services.checkins import check_in, correct_clock, undo_check_in
from conferences.services.idempotency import Answer, answer_once
from meeteasy.core.http import refuse_fields


class CheckInList(generics.ListAPIView[CheckIn]):
    """Check-ins of a conference."""

    serializer_class = CheckInSerializer
    queryset = CheckIn.objects.none()

    def get_queryset(self) -> QuerySet[CheckIn]:
        conference = get_conference(self.request.user, self.kwargs["conference_id"])
        return find_check_ins(conference, gate=self.request.query_params.get("gate"))

    @extend_schema(
        summary="List check-ins, newest first", parameters=[OpenApiParameter("gate", OpenApiTypes.STR)]
    )
    def get(self, request: Request, *args: object, **kwargs: object) -> Response:
        """List check-ins, including undone ones."""
        return super().get(request, *args, **kwargs)

    @extend_schema(
        summary="Check an attendee in",
        request=CheckInInput,
        parameters=[IDEMPOTENCY_KEY],
        responses={
            201: CheckInAnswer,
            200: OpenApiResponse(CheckInAnswer, "Was checked in already; nothing changed."),
        },
    )
    def post(self, request: Request, conference_id: str) -> Response:
        """Check an attendee in. Stewards, helpers and owners.

        The earlier of two scans of an attendee is the check-in, whichever arrives first. A scanner that was
        offline sends `scanned_at` and `sent_at`.
        """
        conference = get_conference(request.user, conference_id, role=Role.STEWARD)
        now = timezone.now()
        query = CheckInInput(data=request.data, context={"conference": conference})
        query.is_valid(raise_exception=True)
        given = query.validated_data
        if "code" in given:
            registration = badges.find_by_code(conference, given["code"])
        else:
            registration = get_registration(
                request.user, conference_id, given["registration_id"], role=Role.STEWARD
            )

        scanned_at = given.get("scanned_at")
        if scanned_at is not None:
            scanned_at = correct_clock(scanned_at, sent_at=given.get("sent_at"), now=now)

        def act() -> Answer:
            outcome = check_in(
                registration.id,
                by=signed_in(request.user),
                method=given.get("method") or ("qr" if "code" in given else "manual"),
                gate=given.get("gate", ""),
                scanned_at=scanned_at,
                now=now,
            )
            status = "checked_in" if outcome.created else "already_checked_in"
            return (201 if outcome.created else 200), {"status": status, "check_in": outcome.check_in.id}

        http_status, answer = answer_once(
            conference=conference,
            scope="checkin",
            key=request.headers.get("Idempotency-Key"),
            body={name: given[name] for name in sorted(set(given) - {"sent_at"})},  # a repeat is sent later
            act=act,
        )
        found = find_check_ins(conference).filter(id=answer["check_in"]).first()
        if found is None:
            raise Http404("This check-in was deleted.")
        told = {"status": answer["status"], "checked_in_at": found.checked_in_at, "check_in": found}
        return Response(CheckInAnswer(told).data, status=http_status)


class UndoCheckIn(APIView):
    """Undo a check-in. Undoing it again changes nothing. Helpers and owners."""

    @extend_schema(request=None, responses=CheckInSerializer)
    def post(self, request: Request, conference_id: str, check_in_id: str) -> Response:
        found = get_check_in(request.user, conference_id, check_in_id, role=Role.HELPER)
        refuse_fields(request)
        return Response(CheckInSerializer(undo_check_in(found.id, by=signed_in(request.user))).data)
