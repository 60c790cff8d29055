"""Serializers of event pages, their revisions and jobs, of speakers and sessions."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from conferences.api.fields import LocalTimeField
from meeteasy.core.serializers import ModelSerializer, StrictModelSerializer, StrictSerializer
from visuspace.models import GenerationJob, Page, Revision, Session, Speaker
from visuspace.services.generating import MAX_PROMPT


class ConferenceQuery(serializers.Serializer[Any]):
    conference_id = serializers.CharField(max_length=64)


class NewPage(StrictSerializer):
    """What to generate."""

    conference_id = serializers.CharField(max_length=64)
    language = serializers.CharField(max_length=16, help_text="One of the conference's languages.")
    prompt = serializers.CharField(
        max_length=MAX_PROMPT, required=False, default="", allow_blank=True,
        help_text="What the page should say, and how.",
    )  # fmt: skip
    again = serializers.BooleanField(
        default=False, help_text="Generate again, even if the same was asked before."
    )


class DraftInput(StrictSerializer):
    blocks = serializers.ListField(child=serializers.DictField(), help_text="The whole content, in order.")
    revision = serializers.IntegerField(
        min_value=0, help_text="Number of the revision that was edited; 0 if the page has none."
    )


class RevisionNumber(StrictSerializer):
    revision = serializers.IntegerField(min_value=1)


class PublishInput(StrictSerializer):
    revision = serializers.IntegerField(min_value=1, required=False, help_text="By default the draft.")


class GenerationSerializer(ModelSerializer[GenerationJob]):
    revision = serializers.IntegerField(source="revision.number", default=None, read_only=True)

    class Meta:
        model = GenerationJob
        fields = [
            "id", "status", "prompt", "provider", "model", "generation", "attempts", "called_at", "revision",
            "error_code", "error_message", "tokens_in", "tokens_out", "cost", "created_at", "finished_at",
        ]  # fmt: skip


class RevisionSerializer(ModelSerializer[Revision]):
    created_by: Any = serializers.SlugRelatedField("username", read_only=True)

    class Meta:
        model = Revision
        fields = ["number", "source", "created_at", "created_by"]


class PageSerializer(ModelSerializer[Page]):
    draft = serializers.IntegerField(source="draft.number", default=None, read_only=True)
    published = serializers.IntegerField(source="published.number", default=None, read_only=True)

    class Meta:
        model = Page
        fields = ["id", "conference_id", "language", "draft", "published", "published_at", "created_at"]


class PageDetailSerializer(PageSerializer):
    """A page with the blocks of its draft and its newest job."""

    blocks = serializers.JSONField(source="draft.blocks", default=None, read_only=True)
    job = serializers.SerializerMethodField()

    class Meta(PageSerializer.Meta):
        fields = [*PageSerializer.Meta.fields, "blocks", "job"]

    @extend_schema_field(GenerationSerializer(allow_null=True))
    def get_job(self, page: Page) -> Any:
        job = page.jobs.select_related("revision").first()
        return GenerationSerializer(job).data if job else None


class SpeakerSerializer(StrictModelSerializer):
    class Meta:
        model = Speaker
        fields = ["id", "name", "affiliation", "position"]


class SpeakerIds(serializers.ListField):
    """Ids of speakers of the serializer's conference, which are looked up together."""

    child = serializers.CharField(max_length=32)
    default_error_messages = {"unknown": "No speaker of this conference has the id {id}."}

    def to_internal_value(self, data: Any) -> list[Speaker]:
        ids = super().to_internal_value(data)
        found = Speaker.objects.filter(conference=self.context["conference"]).in_bulk(ids)
        for speaker_id in ids:
            if speaker_id not in found:
                self.fail("unknown", id=speaker_id)
        return list(found.values())

    def to_representation(self, data: Any) -> list[str]:
        return [speaker.pk for speaker in data.all()]


class SessionSerializer(StrictModelSerializer):
    starts_at = LocalTimeField()
    ends_at = LocalTimeField(required=False, allow_null=True)
    speakers = SpeakerIds(required=False, max_length=100, help_text="Ids of speakers, in any order.")

    class Meta:
        model = Session
        fields = ["id", "title", "starts_at", "ends_at", "room", "speakers"]

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        starts_at = attrs.get("starts_at") or getattr(self.instance, "starts_at", None)
        ends_at = attrs.get("ends_at")
        if starts_at and ends_at and ends_at < starts_at:
            raise serializers.ValidationError({"ends_at": "A session cannot end before it starts."})
        return attrs
