"""Answers of sharing's API."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from meeteasy.core.serializers import Answer
from sharing.addresses import share_url
from sharing.exports import FLAGS
from sharing.models import NotCredited, ShareConversion, ShareLink
from sharing.rules.codes import code_of, public_code
from sharing.rules.reasons import REASON_LABELS, Reason
from sharing.selectors.conversions import ASSISTED, DIRECT, CreditedLink, CreditPath
from sharing.selectors.not_credited import get_shown_reason
from sharing.selectors.tree import TreeNode


class LinkSerializer(Answer):
    """A share link with its place, its flags and its counters."""

    code = serializers.CharField()
    public_code = serializers.SerializerMethodField(
        help_text="As it appears in addresses, with its signature if it has one."
    )
    conference_id = serializers.CharField()
    url = serializers.SerializerMethodField(help_text="The address that people share.")
    parent = serializers.SerializerMethodField(help_text="The parent's code.")  # type: ignore[assignment]
    sharer = serializers.CharField(help_text="A visitor id, or `user:<number>`.")
    label = serializers.CharField()  # type: ignore[assignment]
    channel = serializers.CharField()
    target_url = serializers.CharField()
    minted = serializers.BooleanField(source="is_minted", help_text="Made by the server.")
    proven = serializers.BooleanField(
        source="is_proven", help_text="The code itself proves that it was made for its sharer."
    )
    first_shared_at = serializers.DateTimeField(
        allow_null=True, help_text="Null: a browser only made the code, and nobody else has opened it yet."
    )
    flags = serializers.SerializerMethodField()
    opens = serializers.IntegerField()
    openers = serializers.IntegerField(help_text="Distinct visitors.")
    child_count = serializers.IntegerField(help_text="Links directly below.")
    direct = serializers.IntegerField()
    assisted = serializers.IntegerField()
    subtree_links = serializers.IntegerField(help_text="Links below, at any depth.")
    subtree_conversions = serializers.IntegerField(help_text="Distinct registrations, of all below too.")

    def get_public_code(self, link: ShareLink) -> str:
        return public_code(link.conference_id, link.code)

    def get_url(self, link: ShareLink) -> str:
        return share_url(link)

    def get_parent(self, link: ShareLink) -> str | None:
        return code_of(link.parent_id) if link.parent_id else None

    @extend_schema_field(serializers.ListField(child=serializers.ChoiceField(list(FLAGS))))
    def get_flags(self, link: ShareLink) -> list[str]:
        return [name for name, field in FLAGS.items() if getattr(link, field)]


_link = LinkSerializer()


class LinkPage(Answer):
    results = LinkSerializer(many=True)
    next = serializers.CharField(allow_null=True)


class TreeNodeSerializer(LinkSerializer):
    """A link of the tree, with the first of its children where they were asked for."""

    children = serializers.ListField(
        child=serializers.DictField(), required=False, help_text="The links directly below, in the same form."
    )
    next = serializers.CharField(
        required=False,
        help_text="Only if this answer leaves out children: their cursor, with this link as `root`.",
    )

    def to_representation(self, instance: TreeNode) -> dict[str, Any]:
        row = _link.to_representation(instance.link)
        if instance.next is not None:
            row["next"] = instance.next
        if instance.children is not None:
            row["children"] = [self.to_representation(child) for child in instance.children]
        return row


class ConversionTotals(Answer):
    share_conversions = serializers.IntegerField(help_text="Distinct registrations.")
    registrations_reported = serializers.IntegerField(
        help_text="Of these, how many have nothing but a client's report behind them."
    )


class TreeSerializer(Answer):
    totals = ConversionTotals(help_text="Of the whole conference.")
    root = LinkSerializer(allow_null=True)
    path = LinkSerializer(
        many=True,
        help_text="From the top down to `root`; at most the nearest 99 links above it.",
    )
    results = TreeNodeSerializer(many=True)
    next = serializers.CharField(allow_null=True)


class CreditModelSerializer(Answer):
    """A way to divide the credit of a registration among the links of its chain."""

    name = serializers.CharField()
    label = serializers.CharField(help_text="In the language of the request.")  # type: ignore[assignment]
    is_fractional = serializers.BooleanField(help_text="The credits of a registration add up to 1.")
    is_default = serializers.BooleanField()


class CreditModelPage(Answer):
    results = CreditModelSerializer(many=True)
    next = serializers.CharField(allow_null=True)


class Totals(ConversionTotals):
    credits = serializers.IntegerField()


class CreditSerializer(Answer):
    code = serializers.CharField()
    sharer = serializers.CharField()
    channel = serializers.CharField()
    distance = serializers.IntegerField(help_text="1 is the link that was opened, 2 its parent.")
    kind = serializers.ChoiceField([DIRECT, ASSISTED])
    credit = serializers.FloatField(help_text="Under the chosen model.")

    def to_representation(self, instance: CreditedLink) -> Any:
        return instance  # a page has a thousand of them, and all fields are theirs


class NotCreditedSerializer(Answer):
    code = serializers.SerializerMethodField(help_text="The code as it was sent.")
    reason = serializers.SerializerMethodField()
    message = serializers.SerializerMethodField(help_text="The reason in words.")
    distance = serializers.IntegerField(allow_null=True, help_text="Its place in the chain, or null.")

    def get_code(self, item: NotCredited) -> str:
        return code_of(item.link_key)

    @extend_schema_field(serializers.ChoiceField([str(reason) for reason in Reason]))
    def get_reason(self, item: NotCredited) -> str:
        return str(get_shown_reason(item))

    def get_message(self, item: NotCredited) -> str:
        return str(REASON_LABELS[get_shown_reason(item)])


class ListedNotCreditedSerializer(NotCreditedSerializer):
    registration_id = serializers.CharField(source="registration.registration_id")
    registered_at = serializers.DateTimeField(source="registration.registered_at")


class NotCreditedPage(Answer):
    results = ListedNotCreditedSerializer(many=True)
    next = serializers.CharField(allow_null=True)


class PathSerializer(Answer):
    """A stretch of the way from a registration to the root."""

    credits = CreditSerializer(many=True)
    not_credited = NotCreditedSerializer(many=True)
    next = serializers.CharField(
        allow_null=True,
        help_text="Where the chain continues: a `cursor` for the registration's own path.",
    )


class ConversionSerializer(PathSerializer):
    registration_id = serializers.CharField()
    is_reported = serializers.BooleanField(help_text="Nothing but a client's report is behind it.")
    registered_at = serializers.DateTimeField()

    def to_representation(self, instance: tuple[ShareConversion, CreditPath]) -> dict[str, Any]:
        conversion, path = instance
        return super().to_representation(
            {
                "registration_id": code_of(conversion.registration_id),
                "is_reported": conversion.is_reported,
                "registered_at": conversion.registered_at,
                **path._asdict(),
            }
        )


class OpenedCodeSerializer(Answer):
    code = serializers.CharField()
    first_opened_at = serializers.DateTimeField()
    last_opened_at = serializers.DateTimeField()
    count = serializers.IntegerField()


class RegistrationPathSerializer(PathSerializer):
    conference_id = serializers.CharField()
    registration_id = serializers.CharField()
    registered_at = serializers.DateTimeField()
    opened = OpenedCodeSerializer(
        many=True, help_text="The last 100 codes that the registrant opened, before or after registering."
    )


class ConversionsAnswer(Answer):
    model = serializers.CharField()
    totals = Totals()
    results = ConversionSerializer(many=True)
    next = serializers.CharField(allow_null=True)


class SumRow(Answer):
    rank = serializers.IntegerField(help_text="Equal credits share a rank.")
    credit = serializers.FloatField(help_text="Under the chosen model.")
    registrations = serializers.IntegerField(help_text="Distinct registrations.")
    direct = serializers.IntegerField()
    assisted = serializers.IntegerField()


class SharerRow(SumRow):
    sharer = serializers.CharField()


class ChannelRow(SumRow):
    channel = serializers.CharField()
    links = serializers.IntegerField()
    opens = serializers.IntegerField()
    openers = serializers.IntegerField()


class LeaderboardAnswer(Answer):
    model = serializers.CharField()
    totals = Totals()
    count = serializers.IntegerField(help_text="How many sharers have credit.")
    results = SharerRow(many=True)
    next = serializers.CharField(allow_null=True)


class ChannelsAnswer(Answer):
    model = serializers.CharField()
    totals = Totals()
    count = serializers.IntegerField(help_text="How many channels there are.")
    results = ChannelRow(many=True)
    next = serializers.CharField(allow_null=True)


class KFactorAnswer(Answer):
    share_conversions = serializers.IntegerField()
    sharers = serializers.IntegerField()
    k_factor = serializers.FloatField(allow_null=True, help_text="Null if nobody shared.")


class DayRow(Answer):
    date = serializers.DateField()
    shares = serializers.IntegerField()
    opens = serializers.IntegerField()
    share_conversions = serializers.IntegerField()


class TimelineAnswer(Answer):
    results = DayRow(many=True)


class EraseAnswer(Answer):
    rows_changed = serializers.IntegerField()
