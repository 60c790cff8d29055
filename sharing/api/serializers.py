"""What the API of sharing takes and gives."""

from typing import Any

from rest_framework import serializers

from analytics.api import queries
from analytics.api.queries import ConferenceQuery as ConferenceQuery  # views take it from here
from meeteasy.core.http import PageQuery
from sharing.rules.attribution import Reason
from sharing.rules.codes import CODE_PATTERN
from sharing.rules.credit_models import CREDIT_MODELS, DEFAULT
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
    model = serializers.CharField(default=DEFAULT)

    def validate_model(self, value: str) -> str:
        if value not in CREDIT_MODELS:
            raise serializers.ValidationError(f"Not a credit model; there are {', '.join(CREDIT_MODELS)}.")
        return value


class ModelQuery(ModelMixin, RangeQuery):
    pass


class SumsQuery(ModelQuery):
    limit = serializers.IntegerField(default=100, min_value=1, max_value=1000)


class LinksQuery(ConferenceQuery, PageQuery):
    search = serializers.CharField(default="", allow_blank=True, max_length=200)
    flagged = serializers.BooleanField(default=False)
    minted = serializers.BooleanField(default=False)


class TreeQuery(ConferenceQuery, PageQuery):
    root = serializers.CharField(default="", allow_blank=True, max_length=64)  # type: ignore[assignment]
    depth = serializers.IntegerField(default=1, min_value=1, max_value=MAX_DEPTH)


class ConversionsQuery(ModelQuery, PageQuery):
    pass


class PathQuery(ConferenceQuery, ModelMixin):
    cursor = serializers.IntegerField(
        default=1, min_value=1, max_value=10**9,
        help_text="Place in the chain to begin with; 1 is the link that was opened.",
    )  # fmt: skip
    page_size = serializers.IntegerField(default=100, min_value=1, max_value=1000)


class NotCreditedQuery(RangeQuery, PageQuery):
    reason = serializers.ChoiceField(list(Reason), default="", allow_blank=True, help_text="Without: all.")


class LinkInput(ConferenceQuery):
    label = serializers.CharField(default="", allow_blank=True, max_length=200)  # type: ignore[assignment]
    channel = serializers.CharField(default="", allow_blank=True, max_length=512)
    target_url = serializers.URLField(default="", allow_blank=True, max_length=2048)
    code = serializers.RegexField(CODE_PATTERN, default="", allow_blank=True)
    signed = serializers.BooleanField(default=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["code"] and attrs["signed"]:
            raise serializers.ValidationError({"code": "A signed link has a random code."})
        return attrs


class EraseInput(ConferenceQuery):
    sharer = serializers.CharField(max_length=80, help_text="A visitor id, or `user:<number>`.")


# --- Answers ---------------------------------------------------------------------------------------------


class LinkRow(serializers.Serializer[Any]):
    """A share link with its place, its flags and its counters."""

    code = serializers.CharField()
    public_code = serializers.CharField(help_text="As in addresses: with its signature, if it has one.")
    conference_id = serializers.CharField()
    url = serializers.CharField()
    parent = serializers.CharField(allow_null=True)  # type: ignore[assignment]
    sharer = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    channel = serializers.CharField()
    target_url = serializers.CharField()
    minted = serializers.BooleanField()
    first_shared_at = serializers.DateTimeField()
    flags = serializers.ListField(child=serializers.CharField(), help_text="`cycle`, `contested`")
    opens = serializers.IntegerField()
    openers = serializers.IntegerField(help_text="Distinct visitors.")
    child_count = serializers.IntegerField(help_text="Links directly below.")
    direct = serializers.IntegerField()
    assisted = serializers.IntegerField()
    subtree_links = serializers.IntegerField(help_text="Links below, at any depth.")
    subtree_conversions = serializers.IntegerField(help_text="Distinct registrations of it and all below.")


class LinkPage(serializers.Serializer[Any]):
    results = LinkRow(many=True)
    next = serializers.CharField(allow_null=True)


class TreeRow(LinkRow):
    children = serializers.ListField(
        child=serializers.DictField(), required=False, help_text="Links like this one, of the next level."
    )
    next = serializers.CharField(
        required=False,
        help_text="There are children that are not in this answer: their cursor, with this link as `root`.",
    )


class TreeAnswer(serializers.Serializer[Any]):
    root = LinkRow(allow_null=True)
    path = LinkRow(
        many=True, help_text="The way to `root`, from above: of the links above it the nearest 99."
    )
    results = TreeRow(many=True)
    next = serializers.CharField(allow_null=True)


class Totals(serializers.Serializer[Any]):
    share_conversions = serializers.IntegerField(help_text="Distinct registrations.")
    credits = serializers.IntegerField()


class CreditRow(serializers.Serializer[Any]):
    code = serializers.CharField()
    sharer = serializers.CharField()
    channel = serializers.CharField()
    distance = serializers.IntegerField()
    kind = serializers.CharField(help_text="`direct` or `assisted`")
    credit = serializers.FloatField(help_text="Under the chosen model.")


class NotCreditedRow(serializers.Serializer[Any]):
    code = serializers.CharField()
    reason = serializers.CharField()
    message = serializers.CharField()
    distance = serializers.IntegerField(allow_null=True)


class ListedNotCreditedRow(NotCreditedRow):
    registration_id = serializers.CharField()
    registered_at = serializers.DateTimeField()


class NotCreditedPage(serializers.Serializer[Any]):
    results = ListedNotCreditedRow(many=True)
    next = serializers.CharField(allow_null=True)


class ConversionRow(serializers.Serializer[Any]):
    registration_id = serializers.CharField()
    registered_at = serializers.DateTimeField()
    credits = CreditRow(many=True)
    not_credited = NotCreditedRow(many=True)
    next = serializers.IntegerField(
        allow_null=True,
        help_text="The chain goes on: `cursor` of the registration's own path for the places that follow.",
    )


class OpenedRow(serializers.Serializer[Any]):
    code = serializers.CharField()
    first_opened_at = serializers.DateTimeField()
    last_opened_at = serializers.DateTimeField()
    count = serializers.IntegerField()


class PathAnswer(ConversionRow):
    conference_id = serializers.CharField()
    opened = OpenedRow(
        many=True, help_text="Codes that the registrant opened, before or after: the 100 opened last."
    )


class ConversionsAnswer(serializers.Serializer[Any]):
    model = serializers.CharField()
    totals = Totals()
    results = ConversionRow(many=True)
    next = serializers.CharField(allow_null=True)


class SumRow(serializers.Serializer[Any]):
    credit = serializers.FloatField(help_text="Under the chosen model.")
    registrations = serializers.IntegerField(help_text="Distinct.")
    direct = serializers.IntegerField()
    assisted = serializers.IntegerField()


class SharerRow(SumRow):
    sharer = serializers.CharField()


class ChannelRow(SumRow):
    channel = serializers.CharField()
    links = serializers.IntegerField()
    opens = serializers.IntegerField()
    openers = serializers.IntegerField()


class LeaderboardAnswer(serializers.Serializer[Any]):
    model = serializers.CharField()
    totals = Totals()
    count = serializers.IntegerField()
    results = SharerRow(many=True)


class ChannelsAnswer(serializers.Serializer[Any]):
    model = serializers.CharField()
    totals = Totals()
    count = serializers.IntegerField()
    results = ChannelRow(many=True)


class KFactorAnswer(serializers.Serializer[Any]):
    share_conversions = serializers.IntegerField()
    sharers = serializers.IntegerField()
    k_factor = serializers.FloatField(allow_null=True)


class DayRow(serializers.Serializer[Any]):
    date = serializers.DateField()
    shares = serializers.IntegerField()
    opens = serializers.IntegerField()
    share_conversions = serializers.IntegerField()


class TimelineAnswer(serializers.Serializer[Any]):
    results = DayRow(many=True)


class EraseAnswer(serializers.Serializer[Any]):
    rows_changed = serializers.IntegerField()
