"""Read-only links to the figures of a conference."""

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from analytics import viewing
from analytics.models import ReadOnlyView
from analytics.selectors.views import find_views, get_view
from conferences.access import Role, get_conference, signed_in
from console.addresses import view_url
from meeteasy.core.serializers import ModelSerializer, StrictSerializer


class ReadOnlyViewSerializer(ModelSerializer[ReadOnlyView]):
    """A link. Its address is stored nowhere."""

    class Meta:
        model = ReadOnlyView
        fields = ["id", "name", "created_at", "created_by", "expires_at", "revoked_at"]
        read_only_fields = fields


class NewReadOnlyView(StrictSerializer):
    name = serializers.CharField(max_length=100, help_text="For whom it is. Only members see it.")
    days = serializers.IntegerField(
        min_value=1, max_value=viewing.MAX_DAYS, default=viewing.USUAL_DAYS,
        help_text="How long the link works.",
    )  # fmt: skip


class CreatedReadOnlyView(ReadOnlyViewSerializer):
    """A new link with its address, which is shown this once."""

    url = serializers.CharField(read_only=True)

    class Meta(ReadOnlyViewSerializer.Meta):
        fields = [*ReadOnlyViewSerializer.Meta.fields, "url"]
        read_only_fields = fields


class ViewList(generics.ListAPIView[ReadOnlyView]):
    """Links by which people without an account see figures, charts and panels, and no names. Owners."""

    serializer_class = ReadOnlyViewSerializer
    queryset = ReadOnlyView.objects.none()

    def get_queryset(self) -> QuerySet[ReadOnlyView]:
        return find_views(get_conference(self.request.user, self.kwargs["conference_id"], role=Role.OWNER))

    @extend_schema(summary="List the read-only links, closed ones included")
    def get(self, request: Request, *args: object, **kwargs: object) -> Response:
        return super().get(request, *args, **kwargs)

    @extend_schema(
        summary="Make a read-only link",
        description="The answer has its address, which is shown this once.",
        request=NewReadOnlyView,
        responses={201: CreatedReadOnlyView},
    )
    def post(self, request: Request, conference_id: str) -> Response:
        conference = get_conference(request.user, conference_id, role=Role.OWNER)
        given = NewReadOnlyView(data=request.data)
        given.is_valid(raise_exception=True)
        view, token = viewing.create_view(
            conference=conference, by=signed_in(request.user).get_username(), **given.validated_data
        )
        return Response({**ReadOnlyViewSerializer(view).data, "url": view_url(token)}, status=201)


class ViewDetail(APIView):
    """A read-only link."""

    @extend_schema(
        summary="Revoke a read-only link",
        description="It shows nothing from now on, and stays in the list.",
        request=None,
        responses=ReadOnlyViewSerializer,
    )
    def delete(self, request: Request, conference_id: str, view_id: str) -> Response:
        conference = get_conference(request.user, conference_id, role=Role.OWNER)
        view = viewing.revoke_view(get_view(conference, view_id))
        return Response(ReadOnlyViewSerializer(view).data)
