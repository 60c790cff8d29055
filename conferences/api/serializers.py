from collections.abc import Callable
from typing import Any, TypedDict

from django.contrib.auth.models import User
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from conferences import contact
from conferences.models import CheckIn, Conference, Member, Registration
from conferences.selectors.registrations import active_check_in


class ConferenceSerializer(serializers.ModelSerializer[Conference]):
    languages = serializers.ListField(child=serializers.CharField(), required=False)
    reminder_hours_before = serializers.ListField(child=serializers.IntegerField(), required=False)

    class Meta:
        model = Conference
        fields = [
            "id", "name", "venue", "time_zone", "starts_at", "ends_at", "languages", "phone_region",
            "approval_required", "trust_client_registrations", "attribution_window_days",
            "reminder_hours_before", "quiet_from", "quiet_until", "created_at",
        ]  # fmt: skip
        read_only_fields = ["created_at"]

    def validate_id(self, value: str) -> str:
        if self.instance is not None and value != self.instance.id:
            raise ValidationError("The id of a conference cannot be changed.", code="immutable")
        return value

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if self.instance is not None:
            attrs.pop("id", None)
        return attrs


class MemberSerializer(serializers.ModelSerializer[Member]):
    username = serializers.CharField(source="user.get_username", read_only=True)

    class Meta:
        model = Member
        fields = ["id", "username", "role", "created_at"]
        read_only_fields = ["created_at"]


class NewMember(serializers.Serializer[Any]):
    username = serializers.CharField(max_length=150)
    role = serializers.ChoiceField(choices=Member.Role.choices)


class MemberRole(serializers.Serializer[Any]):
    role = serializers.ChoiceField(choices=Member.Role.choices)


def _checked(clean: Callable[..., Any], **options: Any) -> list[Callable[[Any], None]]:
    """A cleaner of conferences/contact.py as a validator, so that all bad fields are named at once: what the
    service would refuse is refused here."""

    def check(value: Any) -> None:
        clean(value, **options)

    return [check]


def _line(most: int, *, required: bool = False) -> serializers.CharField:
    return serializers.CharField(
        required=required,
        allow_blank=not required,
        allow_null=not required,
        trim_whitespace=False,
        validators=_checked(contact.clean_line, most=most, required=required),
        help_text=f"At most {most} characters.",
    )


class RegistrationInput(serializers.Serializer[Any]):
    """What a registration form sends. Other fields are ignored; answers to questions go into `answers`."""

    name = _line(contact.MAX_NAME, required=True)
    email = serializers.CharField(trim_whitespace=False, validators=_checked(contact.clean_email))
    phone = _line(50)
    language = _line(35)
    form_id = _line(contact.MAX_ID)
    answers = serializers.JSONField(
        required=False,
        allow_null=True,
        validators=_checked(contact.clean_answers),
        help_text="An object of texts, numbers, yes or no, or lists of those.",
    )
    visitor_id = _line(contact.MAX_ID)
    share_code = _line(contact.MAX_ID)

    def validate_phone(self, value: str | None) -> str | None:
        return contact.clean_phone(value or "", region=self.context["conference"].phone_region)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in attrs.items() if value is not None}


class RegistrationAnswer(serializers.Serializer[Any]):
    """What the public learns. It is the same for a person who was registered already."""

    receipt = serializers.CharField(
        help_text="Stands for the registration in events: send it as their `registration_id`."
    )
    conference_id = serializers.CharField()
    state = serializers.ChoiceField(choices=Registration.State.choices)


_Username = serializers.SlugRelatedField[User]


class CheckInSerializer(serializers.ModelSerializer[CheckIn]):
    name = serializers.CharField(source="registration.name", read_only=True)
    checked_in_by: serializers.SlugRelatedField[User] = serializers.SlugRelatedField(
        "username", read_only=True
    )
    undone_by: _Username = serializers.SlugRelatedField("username", read_only=True)

    class Meta:
        model = CheckIn
        fields = [
            "id", "registration_id", "name", "method", "gate", "checked_in_at", "checked_in_by",
            "undone_at", "undone_by",
        ]  # fmt: skip


class CheckInInput(serializers.Serializer[Any]):
    """Either `code`, as read from a badge, or `registration_id`."""

    code = serializers.CharField(required=False, max_length=512)
    registration_id = serializers.CharField(required=False, max_length=64)
    method = serializers.CharField(
        required=False, max_length=32, validators=_checked(contact.clean_line, most=32),
        help_text="How, e.g. `qr` (the default with a code) or `manual`.",
    )  # fmt: skip
    gate = serializers.CharField(
        required=False, allow_blank=True, max_length=100, validators=_checked(contact.clean_line, most=100)
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("code" in attrs) == ("registration_id" in attrs):
            raise ValidationError({"code": "Give either `code` or `registration_id`."})
        return attrs


class CheckInAnswer(serializers.Serializer[Any]):
    """`already_checked_in` comes with the first check-in and its time, and changes nothing."""

    status = serializers.ChoiceField(choices=["checked_in", "already_checked_in"])
    checked_in_at = serializers.DateTimeField()
    check_in = CheckInSerializer()


class CheckInBrief(TypedDict):
    id: str
    checked_in_at: str
    method: str
    gate: str


class RegistrationSerializer(serializers.ModelSerializer[Registration]):
    """For members. `check_in` is the one that stands, or null."""

    decided_by: _Username = serializers.SlugRelatedField("username", read_only=True)
    check_in = serializers.SerializerMethodField()

    class Meta:
        model = Registration
        fields = [
            "id", "conference_id", "name", "email", "phone", "language", "form_id", "answers", "source",
            "state", "visitor_id", "share_code", "created_at", "decided_at", "decided_by", "check_in",
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
    state = serializers.ChoiceField(choices=Registration.State.choices, required=False)
    checked_in = serializers.BooleanField(required=False, allow_null=True, default=None)
    form_id = serializers.CharField(required=False, max_length=64)
    q = serializers.CharField(
        required=False, max_length=254, source="text", help_text="A part of the name, mail or phone."
    )


class ImportQuery(serializers.Serializer[Any]):
    dry_run = serializers.BooleanField(required=False, default=False, help_text="Report, and change nothing.")


class LineErrorSerializer(serializers.Serializer[Any]):
    line = serializers.IntegerField(help_text="As an editor counts; the heading is 1.")
    field = serializers.CharField(allow_null=True)
    message = serializers.CharField()


class ImportAnswer(serializers.Serializer[Any]):
    dry_run = serializers.BooleanField()
    lines = serializers.IntegerField()
    created = serializers.IntegerField()
    existing = serializers.IntegerField()
    errors = LineErrorSerializer(many=True)  # type: ignore[assignment]
