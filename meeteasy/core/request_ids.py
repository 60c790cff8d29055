"""One id from a request to the tasks that it sends, in all of their log lines (`request_id=…`).

A proxy may give it as X-Request-ID; otherwise we make one. The answer carries it.
"""

import re
import uuid
from collections.abc import Callable
from typing import Any

import structlog
from django.http import HttpRequest, HttpResponse

HEADER = "X-Request-ID"
_NAME = "request_id"
# What may be written into a log as it is.
_USABLE = re.compile(r"[A-Za-z0-9_-]{8,64}")


def choose_id(given: str) -> str:
    """Return the id of a request that came with `given`, which may be empty."""
    return given if _USABLE.fullmatch(given) else uuid.uuid4().hex


def bind_request_id(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware; the first of all, so that every line has the id."""

    def middleware(request: HttpRequest) -> HttpResponse:
        request_id = choose_id(request.headers.get(HEADER, ""))
        with structlog.contextvars.bound_contextvars(**{_NAME: request_id}):
            response = get_response(request)
        response[HEADER] = request_id
        return response

    return middleware


def send_along(headers: dict[str, Any] | None) -> None:
    """Put the id into the headers of a task that is being sent."""
    request_id = structlog.contextvars.get_contextvars().get(_NAME)
    if request_id and headers is not None:
        headers[_NAME] = request_id


def bind_in_task(task: Any) -> None:
    if not task.request.is_eager:  # an eager one is part of the request
        structlog.contextvars.clear_contextvars()
        request_id = task.request.get(_NAME)
        if request_id:
            structlog.contextvars.bind_contextvars(**{_NAME: str(request_id)})


def unbind(task: Any) -> None:
    if not task.request.is_eager:
        structlog.contextvars.clear_contextvars()
