"""What the endpoints of conversions read and write."""

import re
from typing import Any

import msgspec
from django.utils.functional import cached_property
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from conversion.converters import CONVERTERS
from conversion.converters._base import read_parameters
from conversion.models import ConversionJob
from conversion.problems import Problem, describe
from meeteasy.core.serializers import ModelSerializer, StrictSerializer

_TARGETS = [(key, converter.label) for key, converter in sorted(CONVERTERS.items())]
STATUSES = [choice for choice in ConversionJob.Status.choices if choice[0] != ConversionJob.Status.REMOVING]
# msgspec names the field in its message: "… - at `$.width`", "Object contains unknown field `x`".
_FIELD = re.compile(r"(?: - at `\$\.(?P<at>\w+)`| unknown field `(?P<unknown>[^`]{1,64})`)$")
_OTHER_FIELDS = ("conference_id", "target", "file")


class ConversionErrorSerializer(serializers.Serializer[Any]):
    """Why a conversion failed."""

    code = serializers.ChoiceField(choices=[(str(problem), str(problem)) for problem in Problem])
    message = serializers.CharField(help_text="For people, in the request's language.")
    details = serializers.JSONField(help_text="For programs, e.g. the limit.")


class FileConversionSerializer(ModelSerializer[ConversionJob]):
    target = serializers.ChoiceField(choices=_TARGETS, read_only=True)
    status = serializers.ChoiceField(choices=STATUSES, read_only=True)
    error = serializers.SerializerMethodField(help_text="Null unless it failed.")
    result = serializers.SerializerMethodField(help_text="The address of the file; null unless it is done.")
    created_by = serializers.CharField(source="created_by.username", default=None, read_only=True)

    class Meta:
        model = ConversionJob
        fields = [
            "id", "conference_id", "status", "file_name", "input_sha256", "input_bytes", "kind", "target",
            "parameters", "facts", "output_bytes", "pages_done", "pages_total", "error", "result", "attempts",
            "seconds", "created_by", "created_at", "started_at", "finished_at",
        ]  # fmt: skip
        read_only_fields = fields
        extra_kwargs = {
            "kind": {"help_text": "What the file is by its content; empty until a worker has looked."},
            "facts": {"help_text": "What is known of the result, e.g. `pages`, `width`, `height`."},
            "seconds": {"help_text": "How long each step took; empty if the result existed."},
        }

    @extend_schema_field(ConversionErrorSerializer(allow_null=True))
    def get_error(self, job: ConversionJob) -> dict[str, Any] | None:
        if not job.error_code:
            return None
        return {"code": job.error_code, "message": describe(job.error_code), "details": job.error_details}

    def get_result(self, job: ConversionJob) -> str | None:
        return f"/api/conversions/{job.pk}/result" if job.status == job.Status.DONE else None


class ConversionInput(StrictSerializer):
    """An upload. Besides the three fields, the parameters of the target; docs/conversion.md lists them."""

    conference_id = serializers.CharField(max_length=64, help_text="The conference that the file belongs to.")
    target = serializers.ChoiceField(choices=_TARGETS, help_text="What to make of the file.")
    file = serializers.FileField(help_text="The file.")

    def get_fields(self) -> dict[str, serializers.Field]:
        fields = super().get_fields()
        for name, targets in self._targets_of_parameters.items():
            fields[name] = serializers.CharField(
                required=False, max_length=100, help_text=f"A parameter of {', '.join(targets)}."
            )
        return fields

    @cached_property
    def _targets_of_parameters(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for target, converter in sorted(CONVERTERS.items()):
            for name in converter.parameters.__struct_fields__:
                found.setdefault(name, []).append(target)
        return found

    def validate(self, given: dict[str, Any]) -> dict[str, Any]:
        """Check the parameters by the target's own rules, and move them into `parameters`."""
        parameters = {name: given.pop(name) for name in list(given) if name not in _OTHER_FIELDS}
        try:
            read = read_parameters(given["target"], parameters)
        except msgspec.ValidationError as error:
            raise serializers.ValidationError(_by_field(str(error))) from error
        return {**given, "parameters": msgspec.to_builtins(read)}


def _by_field(message: str) -> dict[str, list[str]]:
    found = _FIELD.search(message)
    if found is None:
        return {"non_field_errors": [message]}
    if found["unknown"]:
        return {found["unknown"]: ["The target has no such parameter."]}
    return {found["at"]: [message[: found.start()]]}


class ConversionFilter(serializers.Serializer[Any]):
    """The query of the list: `conference_id` and filters."""

    conference_id = serializers.CharField(
        max_length=64, help_text="The conference whose conversions to list."
    )
    status = serializers.ChoiceField(choices=STATUSES, required=False, help_text="Only those in this state.")
    target = serializers.ChoiceField(choices=_TARGETS, required=False, help_text="Only those into this.")


class ResultQuery(StrictSerializer):
    page = serializers.IntegerField(
        required=False, min_value=1, max_value=100_000,
        help_text="Only this page's picture, of a result that has one of each page.",
    )  # fmt: skip
