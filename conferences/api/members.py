"""Who may see and do what in a conference."""

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import generics
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from conferences.access import Role, get_conference, get_member
from conferences.api.serializers import MemberRole, MemberSerializer, NewMember
from conferences.models import Member
from conferences.services import members


class MemberList(generics.ListAPIView[Member]):
    """Members of a conference."""

    serializer_class = MemberSerializer
    queryset = Member.objects.none()

    def get_queryset(self) -> QuerySet[Member]:
        conference = get_conference(self.request.user, self.kwargs["conference_id"])
        return (
            Member.objects.filter(conference=conference).select_related("user").order_by("created_at", "id")
        )

    @extend_schema(summary="List the members of a conference")
    def get(self, request: Request, *args: object, **kwargs: object) -> Response:
        return super().get(request, *args, **kwargs)

    @extend_schema(
        summary="Add a member", description="Owners.", request=NewMember, responses={201: MemberSerializer}
    )
    def post(self, request: Request, conference_id: str) -> Response:
        conference = get_conference(request.user, conference_id, role=Role.OWNER)
        given = NewMember(data=request.data)
        given.is_valid(raise_exception=True)
        member = members.add_member(conference=conference, **given.validated_data)
        return Response(MemberSerializer(member).data, status=201)


class MemberDetail(APIView):
    """A member of a conference."""

    @extend_schema(
        summary="Change a member's role", description="Owners. The last owner stays one.",
        request=MemberRole, responses=MemberSerializer,
    )  # fmt: skip
    def patch(self, request: Request, conference_id: str, member_id: int) -> Response:
        member = get_member(request.user, conference_id, member_id, role=Role.OWNER)
        given = MemberRole(data=request.data)
        given.is_valid(raise_exception=True)
        return Response(MemberSerializer(members.change_role(member, given.validated_data["role"])).data)

    @extend_schema(
        summary="End a membership",
        description="Owners, and each member their own. The last owner stays.",
        responses={204: None},
    )
    def delete(self, request: Request, conference_id: str, member_id: int) -> Response:
        member = get_member(request.user, conference_id, member_id)
        if member.user_id != request.user.pk:
            get_conference(request.user, conference_id, role=Role.OWNER)
        members.remove_member(member)
        return Response(status=204)
