"""Keys of the event door, and the names by which other tools' sites know a conference."""

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from conferences.access import Role, get_alias, get_conference, get_event_key, signed_in
from conferences.models import Alias, EventKey
from conferences.services import aliases, keys
from meeteasy.core.http import refuse_fields
from meeteasy.core.serializers import ModelSerializer, StrictSerializer


class EventKeySerializer(ModelSerializer[EventKey]):
    """A key. `prefix` is its beginning; the whole key is stored nowhere."""

    created_by: serializers.SlugRelatedField[Any] = serializers.SlugRelatedField("username", read_only=True)

    class Meta:
        model = EventKey
        fields = ["id", "kind", "name", "prefix", "created_at", "created_by", "last_used_at", "revoked_at"]
        read_only_fields = fields


class NewEventKey(StrictSerializer):
    kind = serializers.ChoiceField(choices=EventKey.Kind.choices)
    name = serializers.CharField(max_length=100, help_text="Where it is used.")


class CreatedEventKey(EventKeySerializer):
    """A new key with its text, which is shown this once."""

    key = serializers.CharField(read_only=True)

    class Meta(EventKeySerializer.Meta):
        fields = [*EventKeySerializer.Meta.fields, "key"]
        read_only_fields = fields


class EventKeyList(generics.ListAPIView[EventKey]):
    """Keys with which events of a conference are sent. Owners.

    A write key is public: pages and apps carry it. What is sent with a secret key is confirmed, so it belongs
    on a server. Whether a key is required says the conference's `event_key_required`.
    """

    serializer_class = EventKeySerializer
    queryset = EventKey.objects.none()

    def get_queryset(self) -> QuerySet[EventKey]:
        conference = get_conference(self.request.user, self.kwargs["conference_id"], role=Role.OWNER)
        return conference.event_keys.select_related("created_by")

    @extend_schema(summary="List the keys of the event door, revoked ones included")
    def get(self, request: Request, *args: object, **kwargs: object) -> Response:
        return super().get(request, *args, **kwargs)

    @extend_schema(
        summary="Make a key",
        description="The answer has the key, which is shown this once. It works within some seconds.",
        request=NewEventKey,
        responses={201: CreatedEventKey},
    )
    def post(self, request: Request, conference_id: str) -> Response:
        conference = get_conference(request.user, conference_id, role=Role.OWNER)
        given = NewEventKey(data=request.data)
        given.is_valid(raise_exception=True)
        key, text = keys.create_key(conference=conference, by=signed_in(request.user), **given.validated_data)
        return Response({**EventKeySerializer(key).data, "key": text}, status=201)

    @extend_schema(
        summary="Revoke a key",
        description="It stays in the list, and stops working within some seconds.",
        parameters=[
            OpenApiParameter(
                "id", OpenApiTypes.INT, required=True, description="As the list of keys gives it."
            )
        ],
        request=None,
        responses=EventKeySerializer,
    )
    def delete(self, request: Request, conference_id: str) -> Response:
        get_conference(request.user, conference_id, role=Role.OWNER)
        query = _KeyQuery(data=request.query_params)
        query.is_valid(raise_exception=True)
        key = get_event_key(request.user, conference_id, query.validated_data["id"])
        return Response(EventKeySerializer(keys.revoke_key(key)).data)


class _KeyQuery(serializers.Serializer[Any]):
    id = serializers.IntegerField(min_value=1, max_value=2**63 - 1)


class AliasSerializer(ModelSerializer[Alias]):
    """A name of the conference in another tool. It counts once `verified_at` is set."""

    proof = serializers.CharField(read_only=True, help_text="What the site of a domain must show.")
    proof_path = serializers.SerializerMethodField(help_text="Where; or in a `<meta>` of the home page.")
    meta_tag = serializers.SerializerMethodField()
    is_check_requested = serializers.SerializerMethodField()

    class Meta:
        model = Alias
        fields = [
            "id", "kind", "name", "proof", "proof_path", "meta_tag", "created_at", "verified_at",
            "is_check_requested", "check_problem",
        ]  # fmt: skip
        read_only_fields = fields

    def get_proof_path(self, alias: Alias) -> str:
        return aliases.PROOF_PATH

    def get_meta_tag(self, alias: Alias) -> str:
        return f'<meta name="{aliases.META_NAME}" content="{alias.proof}">'

    def get_is_check_requested(self, alias: Alias) -> bool:
        return alias.check_requested_at is not None


class NewAlias(StrictSerializer):
    kind = serializers.ChoiceField(choices=Alias.Kind.choices)
    name = serializers.CharField(
        required=False, max_length=253, help_text="Without one, a new website id is made."
    )


class AliasList(generics.ListAPIView[Alias]):
    """Names by which sites with Plausible's or Umami's tracker know the conference. Owners."""

    serializer_class = AliasSerializer
    queryset = Alias.objects.none()

    def get_queryset(self) -> QuerySet[Alias]:
        conference = get_conference(self.request.user, self.kwargs["conference_id"], role=Role.OWNER)
        return conference.aliases.all()

    @extend_schema(summary="List the aliases of a conference")
    def get(self, request: Request, *args: object, **kwargs: object) -> Response:
        return super().get(request, *args, **kwargs)

    @extend_schema(
        summary="Claim a domain, or make a website id",
        description=(
            "A domain must be proved: put `proof` into the file or the tag that the answer names, and ask "
            "for a check. The id of an existing website is given by staff."
        ),
        request=NewAlias,
        responses={201: AliasSerializer},
    )
    def post(self, request: Request, conference_id: str) -> Response:
        conference = get_conference(request.user, conference_id, role=Role.OWNER)
        given = NewAlias(data=request.data)
        given.is_valid(raise_exception=True)
        alias = aliases.claim_alias(
            conference=conference,
            kind=given.validated_data["kind"],
            name=given.validated_data.get("name"),
            by=signed_in(request.user),
        )
        return Response(AliasSerializer(alias).data, status=201)


class AliasDetail(APIView):
    """An alias of a conference."""

    @extend_schema(summary="Read an alias", responses=AliasSerializer)
    def get(self, request: Request, conference_id: str, alias_id: int) -> Response:
        return Response(AliasSerializer(get_alias(request.user, conference_id, alias_id)).data)

    @extend_schema(summary="Delete an alias", responses={204: None})
    def delete(self, request: Request, conference_id: str, alias_id: int) -> Response:
        get_alias(request.user, conference_id, alias_id).delete()
        return Response(status=204)


class CheckAlias(APIView):
    """The check of a domain."""

    @extend_schema(
        summary="Check that the site shows the proof", request=None, responses={202: AliasSerializer}
    )
    def post(self, request: Request, conference_id: str, alias_id: int) -> Response:
        alias = get_alias(request.user, conference_id, alias_id)
        refuse_fields(request)
        return Response(AliasSerializer(aliases.request_check(alias)).data, status=202)
