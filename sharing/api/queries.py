"""Query parameters and request bodies of sharing's API."""

from typing import Any

from rest_framework import serializers

from analytics.api import queries
from analytics.api.queries import ConferenceQuery as ConferenceQuery  # views take it from here
from meeteasy.core.http import PageQuery
from meeteasy.core.serializers import StrictMixin
from sharing.rules.codes import CODE_PATTERN
from sharing.rules.credit_models import CREDIT_MODELS, DEFAULT
from sharing.rules.reasons import Reason
from sharing.selectors.tree import MAX_DEPTH


class RangeQuery(queries.RangeQuery):
    """The range as selectors take it: `days`, the pair of its ends."""

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs = super().validate(attrs)
        attrs["days"] = (attrs.get("first"), attrs.get("last"))
        return attrs


class TimelineQuery(RangeQuery):
    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs = super().validate(attrs)
        first, last = attrs["days"]
        if first is None or last is None:
            raise serializers.ValidationError({"from": "`from` and `to` are required."})
        if (last - first).days > 366:
            raise serializers.ValidationError({"to": "At most 367 days."})
        return attrs


class ModelMixin(serializers.Serializer[Any]):
    model = serializers.ChoiceField(
        list(CREDIT_MODELS), default=DEFAULT, help_text="A credit model; see `credit-models`.",
        error_messages={"invalid_choice": f"Not a credit model; there are {', '.join(CREDIT_MODELS)}."},
    )  # fmt: skip


class ModelQuery(ModelMixin, RangeQuery):
    pass


class SumsPageQuery(PageQuery):
    # A cursor of this list contains a channel, which is longer than most keys.
    cursor = serializers.CharField(
        default="", allow_blank=True, max_length=8000, help_text="`next` of the page before."
    )


class SumsQuery(ModelQuery, SumsPageQuery):
    pass


class LinksQuery(ConferenceQuery, PageQuery):
    search = serializers.CharField(
        default="", allow_blank=True, max_length=200, help_text="A code, a sharer, or part of a label."
    )
    flagged = serializers.BooleanField(default=False, help_text="Only links with a flag.")
    minted = serializers.BooleanField(default=False, help_text="Only links that the server minted.")


class TreeQuery(ConferenceQuery, PageQuery):
    root = serializers.CharField(  # type: ignore[assignment]
        default="",
        allow_blank=True,
        max_length=64,
        help_text="List the links below this code. Default: the roots.",
    )
    depth = serializers.IntegerField(
        default=1, min_value=1, max_value=MAX_DEPTH, help_text="How many levels."
    )


class ConversionsQuery(ModelQuery, PageQuery):
    pass


class PathQuery(ConferenceQuery, ModelMixin, PageQuery):
    pass


class NotCreditedQuery(RangeQuery, PageQuery):
    reason = serializers.ChoiceField(
        list(Reason), default="", allow_blank=True, help_text="Only this reason. Default: all reasons."
    )


class LinkInput(StrictMixin, ConferenceQuery):
    label = serializers.CharField(default="", allow_blank=True, max_length=200)  # type: ignore[assignment]
    channel = serializers.CharField(default="", allow_blank=True, max_length=512)
    target_url = serializers.URLField(default="", allow_blank=True, max_length=2048)
    code = serializers.RegexField(CODE_PATTERN, default="", allow_blank=True)
    signed = serializers.BooleanField(default=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["code"] and attrs["signed"]:
            raise serializers.ValidationError({"code": "A signed link has a random code."})
        return attrs


class EraseInput(StrictMixin, ConferenceQuery):
    sharer = serializers.CharField(max_length=80, help_text="A visitor id, or `user:<number>`.")
