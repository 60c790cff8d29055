"""The admin's first page: whether everything runs, and what waits for an operator."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.template.response import TemplateResponse

from meeteasy import operations


class Site(admin.AdminSite):
    site_header = site_title = "MeetEasy"
    index_template = "admin/operations.html"

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """Staff who only look after their own conferences see no machinery."""
        state = operations.read_state() if operations.may_see(request.user) else None
        return super().index(request, {"operations": state, **(extra_context or {})})
