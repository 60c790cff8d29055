"""Endpoints for the speakers and sessions that pages show."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import generics, serializers

from conferences.access import Role, get_conference
from conferences.models import Conference
from visuspace.access import get_session, get_speaker
from visuspace.api.serializers import ConferenceQuery, SessionSerializer, SpeakerSerializer
from visuspace.models import Session, Speaker
from visuspace.services import program

_BY_STAFF = "Owners and helpers."
_METHODS = ["get", "patch", "delete", "head", "options"]


class _OfConference:
    """Finds the conference that the query names, for members; changes are for owners and helpers."""

    request: Any

    def get_conference(self) -> Conference:
        query = ConferenceQuery(data=self.request.query_params)
        query.is_valid(raise_exception=True)
        role = Role.VIEWER if self.request.method in ("GET", "HEAD") else Role.HELPER
        return get_conference(self.request.user, query.validated_data["conference_id"], role=role)

    def get_serializer_context(self) -> dict[str, Any]:
        context: dict[str, Any] = super().get_serializer_context()  # type: ignore[misc]
        if self.request is not None and self.request.method == "POST":
            context["conference"] = self.get_conference()
        return context


@extend_schema_view(
    get=extend_schema(summary="List the speakers of a conference", parameters=[ConferenceQuery]),
    post=extend_schema(summary="Add a speaker", description=_BY_STAFF, parameters=[ConferenceQuery]),
)
class SpeakerList(_OfConference, generics.ListCreateAPIView[Speaker]):
    serializer_class = SpeakerSerializer
    queryset = Speaker.objects.none()

    def get_queryset(self) -> QuerySet[Speaker]:
        return Speaker.objects.filter(conference=self.get_conference()).order_by("position", "id")

    def perform_create(self, serializer: serializers.BaseSerializer[Any]) -> None:
        serializer.instance = program.add_speaker(
            serializer.context["conference"], **serializer.validated_data
        )


@extend_schema_view(
    get=extend_schema(summary="List the sessions of a conference", parameters=[ConferenceQuery]),
    post=extend_schema(summary="Add a session", description=_BY_STAFF, parameters=[ConferenceQuery]),
)
class SessionList(_OfConference, generics.ListCreateAPIView[Session]):
    serializer_class = SessionSerializer
    queryset = Session.objects.none()

    def get_queryset(self) -> QuerySet[Session]:
        found = Session.objects.filter(conference=self.get_conference())
        return found.prefetch_related("speakers").order_by("starts_at", "id")

    def perform_create(self, serializer: serializers.BaseSerializer[Any]) -> None:
        serializer.instance = program.add_session(
            serializer.context["conference"], **serializer.validated_data
        )


class _Item:
    """Reads, changes and deletes one; owners and helpers change."""

    request: Any
    kwargs: Any

    def perform_update(self, serializer: serializers.BaseSerializer[Any]) -> None:
        program.change(serializer.instance, **serializer.validated_data)

    def perform_destroy(self, instance: Speaker | Session) -> None:
        program.remove(instance)

    def _role(self) -> Any:
        return Role.VIEWER if self.request.method in ("GET", "HEAD") else Role.HELPER


@extend_schema_view(
    get=extend_schema(summary="Read a speaker"),
    patch=extend_schema(summary="Change a speaker", description=_BY_STAFF),
    delete=extend_schema(summary="Delete a speaker", description=_BY_STAFF),
)
class SpeakerDetail(_Item, generics.RetrieveUpdateDestroyAPIView[Speaker]):
    http_method_names = _METHODS
    serializer_class = SpeakerSerializer
    queryset = Speaker.objects.none()

    def get_object(self) -> Speaker:
        return get_speaker(self.request.user, self.kwargs["speaker_id"], role=self._role())


@extend_schema_view(
    get=extend_schema(summary="Read a session"),
    patch=extend_schema(summary="Change a session", description=_BY_STAFF),
    delete=extend_schema(summary="Delete a session", description=_BY_STAFF),
)
class SessionDetail(_Item, generics.RetrieveUpdateDestroyAPIView[Session]):
    http_method_names = _METHODS
    serializer_class = SessionSerializer
    queryset = Session.objects.none()

    def get_object(self) -> Session:
        self._found = get_session(self.request.user, self.kwargs["session_id"], role=self._role())
        return self._found

    def get_serializer_context(self) -> dict[str, Any]:
        context = dict(super().get_serializer_context())
        found = getattr(self, "_found", None)
        return {**context, "conference": found.conference} if found else context
