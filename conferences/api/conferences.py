from django.contrib.auth.models import User
from django.db.models import QuerySet
from rest_framework import generics, serializers

from conferences import services
from conferences.access import Role, get_conference, visible_conferences
from conferences.api.serializers import ConferenceSerializer
from conferences.models import Conference


class ConferenceList(generics.ListCreateAPIView[Conference]):
    """The conferences that you are a member of; POST creates one, and you are its owner."""

    serializer_class = ConferenceSerializer

    def get_queryset(self) -> QuerySet[Conference]:
        return visible_conferences(self.request.user)

    def perform_create(self, serializer: serializers.BaseSerializer[Conference]) -> None:
        user = self.request.user
        assert isinstance(user, User)  # not anonymous, by the default permission
        serializer.instance = services.create_conference(owner=user, **serializer.validated_data)


class ConferenceDetail(generics.RetrieveUpdateAPIView[Conference]):
    """One conference. Changing its time zone computes all its days again."""

    serializer_class = ConferenceSerializer
    http_method_names = ["get", "patch", "head", "options"]
    lookup_url_kwarg = "conference_id"

    def get_queryset(self) -> QuerySet[Conference]:
        return visible_conferences(self.request.user)

    def get_object(self) -> Conference:
        role = Role.OWNER if self.request.method == "PATCH" else Role.VIEWER
        return get_conference(self.request.user, self.kwargs["conference_id"], role=role)

    def perform_update(self, serializer: serializers.BaseSerializer[Conference]) -> None:
        assert serializer.instance is not None
        services.update_conference(serializer.instance, **serializer.validated_data)
