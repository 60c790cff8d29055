"""Shared code of sharing's views."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from meeteasy.core.http import CSVFormat

# Columns of codes and ids: they stay usable in a CSV whatever they begin with.
CODES = ("code", "parent", "registration_id")
FORMAT = OpenApiParameter(
    "format", OpenApiTypes.STR, enum=["json", "csv"], description="`csv` downloads all of them."
)
FROM = OpenApiParameter("from", OpenApiTypes.DATE, description="First local day, included.")


def read_query(query: type[serializers.Serializer[Any]], data: Any) -> dict[str, Any]:
    """The checked parameters or body. Raises ValidationError."""
    checked = query(data=data)
    checked.is_valid(raise_exception=True)
    valid: dict[str, Any] = checked.validated_data
    return valid


class CSVView(APIView):
    """Answers with JSON, or with `?format=csv` as a download."""

    renderer_classes = [JSONRenderer, CSVFormat]

    @staticmethod
    def wants_csv(request: Request) -> bool:
        return bool(request.accepted_renderer.format == "csv")
