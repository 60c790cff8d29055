"""Shared code of sharing's views."""

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework.views import APIView

from conferences.api.exports import TABLE_FORMATS
from meeteasy.core.json_output import JSONFormat

FORMAT = OpenApiParameter(
    "format", OpenApiTypes.STR, enum=["json", "csv", "xlsx"],
    description="`csv` and `xlsx` download all of them, up to 50,000; start an export for more.",
)  # fmt: skip
FROM = OpenApiParameter("from", OpenApiTypes.DATE, description="First local day, included.")


class TableView(APIView):
    """Answers with JSON, or with `?format=csv` or `xlsx` as a download."""

    renderer_classes = [JSONFormat, *TABLE_FORMATS]
