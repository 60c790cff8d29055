"""Serializers of conferences, members, registrations and check-ins."""

from typing import Any, TypedDict

from django.contrib.auth.models import User
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from conferences import contact
from conferences.api.fields import LocalTimeField, checked
from conferences.models import CheckIn, Conference, Job, Member, Registration
from conferences.selectors.registrations import active_check_in
from conferences.states import Action
from meeteasy.core.identifiers import MAX_ID
from meeteasy.core.serializers import ModelSerializer, StrictModelSerializer, StrictSerializer


class ConferenceSerializer(StrictModelSerializer):
    languages = serializers.ListField(
        child=serializers.CharField(), required=False,
        help_text=Conference._meta.get_field("languages").help_text,
    )  # fmt: skip
    reminder_hours_before = serializers.ListField(
        child=serializers.IntegerField(), required=False,
        help_text=Conference._meta.get_field("reminder_hours_before").help_text,
    )  # fmt: skip
    questions = serializers.ListField(
        child=serializers.DictField(), required=False,
        help_text="Questions of the form: `key`, `kind` (text, choice, several, number, consent), "
        "`label` by language, `required`, and for a choice `options` with `value` and `label`.",
    )  # fmt: skip
    starts_at = LocalTimeField(required=False, allow_null=True)
    ends_at = LocalTimeField(required=False, allow_null=True)
    registration_opens_at = LocalTimeField(
        required=False, allow_null=True, help_text="Null: it is open at once."
    )
    registration_closes_at = LocalTimeField(
        required=False, allow_null=True, help_text="Null: it closes when the conference ends."
    )

    class Meta:
        model = Conference
        fields = [
            "id", "name", "tagline", "venue", "time_zone", "starts_at", "ends_at", "cancelled_at",
            "registration_opens_at", "registration_closes_at", "capacity", "waiting_list", "languages",
            "phone_region", "questions", "approval_required", "trust_client_registrations",
            "event_key_required", "attribution_window_days", "reminder_hours_before", "quiet_from",
            "quiet_until", "created_at",
        ]  # fmt: skip
        read_only_fields = ["cancelled_at", "created_at"]

    def validate_id(self, value: str) -> str:
        if self.instance is not None and value != self.instance.id:
            raise ValidationError("The id of a conference cannot be changed.", code="immutable")
        return value

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if self.instance is not None:
            attrs.pop("id", None)
        return attrs


class MemberSerializer(ModelSerializer[Member]):
    username = serializers.CharField(source="user.get_username", read_only=True)

    class Meta:
        model = Member
        fields = ["id", "username", "role", "created_at"]
        read_only_fields = ["created_at"]


class NewMember(StrictSerializer):
    username = serializers.CharField(max_length=150)
    role = serializers.ChoiceField(choices=Member.Role.choices)


class MemberRole(StrictSerializer):
    role = serializers.ChoiceField(choices=Member.Role.choices)


class RegistrationInput(serializers.Serializer[Any]):
    """The fields of a registration form. The service checks them.

    Only name, mail and phone can be refused. `warnings` in the response names unusable values of other fields
    and unknown fields. Answers to questions go into `answers`.
    """

    name = serializers.CharField(help_text=f"At most {contact.MAX_NAME} characters, and no web address.")
    email = serializers.CharField()
    phone = serializers.CharField(
        required=False, help_text="With country code, unless the conference has a phone region."
    )
    language = serializers.CharField(required=False, help_text="The browser's language, e.g. `zh-CN`.")
    form_id = serializers.CharField(required=False, help_text="The form's id, if there are several forms.")
    answers = serializers.DictField(
        required=False, help_text="By name: texts, numbers, booleans, or lists of these."
    )
    visitor_id = serializers.CharField(required=False, help_text="The visitor id of the SDK.")
    share_code = serializers.CharField(required=False, help_text="The code of the share link that led here.")


FORM_FIELDS = tuple(RegistrationInput().fields)


class FieldWarningSerializer(serializers.Serializer[Any]):
    field = serializers.CharField(help_text="The field's name; `answers.<name>` for an answer.")
    code = serializers.ChoiceField(choices=["left_out", "cut", "hashed", "malformed_code", "unknown_field"])
    message = serializers.CharField()


class RegistrationAnswer(serializers.Serializer[Any]):
    """The public response. It is the same for a person who was already registered."""

    receipt = serializers.CharField(
        help_text="Stands for the registration in events: send it as their `registration_id`."
    )
    conference_id = serializers.CharField()
    state = serializers.ChoiceField(choices=Registration.State.choices)
    warnings = FieldWarningSerializer(many=True, help_text="Fields that were left out or changed.")


_Username = serializers.SlugRelatedField[User]


class CheckInSerializer(ModelSerializer[CheckIn]):
    name = serializers.CharField(source="registration.name", read_only=True)
    checked_in_by: _Username = serializers.SlugRelatedField("username", read_only=True)
    undone_by: _Username = serializers.SlugRelatedField("username", read_only=True)

    class Meta:
        model = CheckIn
        fields = [
            "id", "registration_id", "name", "method", "gate", "checked_in_at", "recorded_at",
            "checked_in_by", "undone_at", "undone_by", "superseded_by",
        ]  # fmt: skip


class CheckInInput(StrictSerializer):
    """Either `code`, as read from a badge, or `registration_id`."""

    code = serializers.CharField(required=False, max_length=512)
    registration_id = serializers.CharField(required=False, max_length=64)
    method = serializers.CharField(
        required=False, max_length=32, validators=checked(contact.clean_line, most=32),
        help_text="The method, e.g. `qr` (the default with a code) or `manual`.",
    )  # fmt: skip
    gate = serializers.CharField(
        required=False, allow_blank=True, max_length=100, validators=checked(contact.clean_line, most=100),
        help_text="The gate or device.",
    )  # fmt: skip
    scanned_at = LocalTimeField(
        required=False,
        allow_null=True,
        help_text="Scan time by the scanner's clock, if it was offline.",
    )
    sent_at = LocalTimeField(
        required=False, allow_null=True,
        help_text="The scanner's clock when it sends this; it corrects `scanned_at`.",
    )  # fmt: skip

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("code" in attrs) == ("registration_id" in attrs):
            raise ValidationError({"code": "Give either `code` or `registration_id`."})
        return attrs


class CheckInAnswer(serializers.Serializer[Any]):
    """`already_checked_in` comes with the first check-in and its time; nothing was changed."""

    status = serializers.ChoiceField(choices=["checked_in", "already_checked_in"])
    checked_in_at = serializers.DateTimeField()
    check_in = CheckInSerializer()


class CheckInBrief(TypedDict):
    id: str
    checked_in_at: str
    method: str
    gate: str


class RegistrationSerializer(ModelSerializer[Registration]):
    """A registration for members. `check_in` is the active one, or null."""

    decided_by: _Username = serializers.SlugRelatedField("username", read_only=True)
    check_in = serializers.SerializerMethodField()

    class Meta:
        model = Registration
        fields = [
            "id", "conference_id", "name", "email", "phone", "language", "form_id", "answers", "source",
            "state", "visitor_id", "share_code", "registered_at", "decided_at", "decided_by", "check_in",
        ]  # fmt: skip

    def get_check_in(self, registration: Registration) -> CheckInBrief | None:
        found = active_check_in(registration)
        if found is None:
            return None
        return CheckInBrief(
            id=found.id,
            checked_in_at=found.checked_in_at.isoformat(),
            method=found.method,
            gate=found.gate,
        )


class RegistrationFilter(serializers.Serializer[Any]):
    state = serializers.ChoiceField(
        choices=Registration.State.choices, required=False, help_text="Only registrations in this state."
    )
    checked_in = serializers.BooleanField(
        required=False, allow_null=True, default=None,
        help_text="Only those who are checked in (`true`) or are not (`false`).",
    )  # fmt: skip
    form_id = serializers.CharField(
        required=False, max_length=MAX_ID, help_text="Only registrations of this form."
    )
    q = serializers.CharField(
        required=False, max_length=254, source="text",
        help_text="A part of the name, email or phone, ignoring case and accents; or the whole id.",
    )  # fmt: skip


class StrictRegistrationFilter(StrictSerializer, RegistrationFilter):
    """The same filter as the query of the list."""


class ImportQuery(serializers.Serializer[Any]):
    dry_run = serializers.BooleanField(required=False, default=False, help_text="Report, change nothing.")


class DecisionInput(StrictSerializer):
    """Either `ids` or `filter`; an empty filter means all registrations."""

    action = serializers.ChoiceField(choices=[(str(action), str(action)) for action in Action])
    ids = serializers.ListField(
        child=serializers.CharField(max_length=32), required=False, min_length=1, max_length=10_000
    )
    filter = StrictRegistrationFilter(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("ids" in attrs) == ("filter" in attrs):
            raise ValidationError({"ids": "Give either `ids` or `filter`."})
        return attrs


class JobSerializer(ModelSerializer[Job]):
    """`done` of `total` lines or registrations. `counts` of an import: `created`, `existing`, `failed`,
    `warnings`; of a decision: `decided`, `failed`. At most 1,000 errors and warnings are listed."""

    created_by: _Username = serializers.SlugRelatedField("username", read_only=True)
    dry_run = serializers.SerializerMethodField(help_text="Of an import: whether nothing is changed.")
    counts = serializers.DictField(child=serializers.IntegerField(), read_only=True)
    errors = serializers.ListField(  # type: ignore[assignment]
        child=serializers.DictField(), read_only=True,
        help_text="Of an import `line`, `field`, `message`; else `id`, `code`, `message`.",
    )  # fmt: skip
    warnings = serializers.ListField(child=serializers.DictField(), read_only=True)

    class Meta:
        model = Job
        fields = [
            "id", "kind", "status", "total", "done", "dry_run", "counts", "errors", "warnings", "error",
            "created_at", "created_by", "finished_at",
        ]  # fmt: skip

    @extend_schema_field(OpenApiTypes.BOOL)
    def get_dry_run(self, job: Job) -> bool:
        return bool(job.arguments.get("dry_run", False))
