"""Errors to Sentry, or to whatever takes its envelopes.

What is sent holds only what may leave: classes of exceptions and where they were raised, the route, the task,
the name of the log line, the request's id. Texts of exceptions stay here, because databases quote rows in
them, and so do variables, headers, bodies, addresses and arguments.
"""

import logging
from typing import TYPE_CHECKING, Any, cast

import structlog
from django.conf import settings

from meeteasy.core.logs import get_logger
from meeteasy.core.releases import running_release

if TYPE_CHECKING:
    from sentry_sdk.types import Event, Hint

log = get_logger(__name__)

_KEPT = ("event_id", "timestamp", "platform", "level", "logger", "release", "environment", "sdk")
_KEPT_OF_FRAME = (
    "filename", "abs_path", "module", "function", "lineno", "in_app", "pre_context", "context_line",
    "post_context",
)  # fmt: skip
_KEPT_TAGS = ("celery_task_id",)
_MAX_NAME = 100


def start() -> None:
    try:
        import sentry_sdk
        from sentry_sdk.integrations.celery import CeleryIntegration
        from sentry_sdk.integrations.django import DjangoIntegration
        from sentry_sdk.integrations.logging import LoggingIntegration, ignore_logger
    except ImportError:  # `manage.py check` says which packages are missing
        log.warning("sentry_not_installed")
        return
    # What any request can cause is no error of ours, and would be without number.
    ignore_logger("django.security*")
    sentry_sdk.init(
        dsn=settings.SENTRY_DSN,
        environment=settings.SENTRY_ENVIRONMENT,
        release=running_release(),
        server_name="",
        default_integrations=True,
        auto_enabling_integrations=False,
        integrations=[
            DjangoIntegration(transaction_style="function_name", middleware_spans=False),
            CeleryIntegration(),
            LoggingIntegration(level=None, event_level=logging.ERROR),
        ],
        send_default_pii=False,
        include_local_variables=False,
        max_request_body_size="never",
        max_breadcrumbs=0,
        auto_session_tracking=False,
        send_client_reports=False,
        before_send=choose,
    )


def choose(event: "Event", hint: "Hint") -> "Event | None":
    """Return a new event of what may leave."""
    given: dict[str, Any] = dict(event)
    chosen: dict[str, Any] = {name: given[name] for name in _KEPT if name in given}
    if transaction := given.get("transaction"):  # a view's or a task's name (`transaction_style`)
        chosen["transaction"] = transaction
    tags = dict(given.get("tags") or {})
    chosen["tags"] = {name: tags[name] for name in _KEPT_TAGS if name in tags}
    request_id = structlog.contextvars.get_contextvars().get("request_id")
    if request_id:
        chosen["tags"]["request_id"] = str(request_id)
    contexts = given.get("contexts") or {}
    chosen["contexts"] = {name: contexts[name] for name in ("runtime",) if name in contexts}
    if "exception" in given:
        values = [_choose_of_exception(value) for value in given["exception"].get("values") or []]
        chosen["exception"] = {"values": values}
    name = _name_of(hint.get("log_record"))
    if name:
        chosen["logentry"] = {"formatted": name, "message": name}
    chosen["fingerprint"] = ["{{ default }}"] if "exception" in chosen else ["log", name or "unnamed"]
    return cast("Event", chosen)


def _choose_of_exception(value: dict[str, Any]) -> dict[str, Any]:
    frames = (value.get("stacktrace") or {}).get("frames") or []
    mechanism = value.get("mechanism") or {}
    return {
        "type": value.get("type"),
        "module": value.get("module"),
        "value": "",
        "mechanism": {name: mechanism[name] for name in ("type", "handled") if name in mechanism},
        "stacktrace": {
            "frames": [{name: frame[name] for name in _KEPT_OF_FRAME if name in frame} for frame in frames]
        },
    }


def _name_of(record: logging.LogRecord | None) -> str:
    """The name of what was logged, without its values: our lines name it, others have a pattern."""
    if record is None:
        return ""
    name = record.msg.get("event", "") if isinstance(record.msg, dict) else record.msg
    # A pattern with values put in already may hold anything, so others' texts count only as patterns.
    is_ours = isinstance(record.msg, dict)
    return str(name)[:_MAX_NAME] if is_ours or record.args else f"{record.name}: {record.levelname}"
