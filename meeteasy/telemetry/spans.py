"""Spans to an OpenTelemetry collector (OTLP over HTTP): one for each request to Django, one for each task.

A task's span is a child of the request's that sent it. Attributes are names of ours: route, method, status,
task, queue, class of an exception, and the request's id, which the log has, too. The event door has none: its
batches are far too many, and `/metrics` has their numbers.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import structlog
from celery.signals import before_task_publish, task_postrun, task_prerun, worker_process_shutdown
from celery.states import FAILURE
from django.conf import settings
from django.http import HttpRequest, HttpResponse

from meeteasy.core.logs import get_logger
from meeteasy.core.queues import queue_of
from meeteasy.core.releases import running_release

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

log = get_logger(__name__)

_HEADER = "traceparent"
_FLUSH_MS = 2_000

_provider: "TracerProvider | None" = None
_running: dict[str, tuple[Any, Any]] = {}  # by task id: span, token of its context


def start() -> None:
    """Send spans from now on. Standard variables (OTEL_SERVICE_NAME, OTEL_TRACES_SAMPLER, …) hold."""
    global _provider
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:  # `manage.py check` says which packages are missing
        log.warning("opentelemetry_not_installed")
        return
    known = Resource.create({"service.version": running_release()})
    name = known.attributes.get("service.name", "")
    if str(name).startswith("unknown_service"):
        known = known.merge(Resource({"service.name": "meeteasy"}))
    _provider = TracerProvider(resource=known)
    endpoint = f"{settings.OTEL_EXPORTER_OTLP_ENDPOINT.rstrip('/')}/v1/traces"
    _provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint)))
    before_task_publish.connect(_send_context, weak=False)
    task_prerun.connect(_begin_task, weak=False)
    task_postrun.connect(_end_task, weak=False)
    worker_process_shutdown.connect(flush, weak=False)


def flush(**_: object) -> None:
    """Send what is there."""
    if _provider is not None:
        _provider.force_flush(_FLUSH_MS)


def trace_requests(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware; in the settings only if spans are wanted."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if _provider is None:
            return get_response(request)
        from opentelemetry.trace import SpanKind

        method = request.method or ""
        with _tracer().start_as_current_span(
            method, kind=SpanKind.SERVER, record_exception=False, set_status_on_exception=False
        ) as span:
            response = get_response(request)
            match = request.resolver_match
            if match is not None:
                span.update_name(f"{method} {match.url_name or match.route}")
                span.set_attribute("http.route", match.route)
            span.set_attribute("http.request.method", method)
            span.set_attribute("http.response.status_code", response.status_code)
            _add_request_id(span)
            if response.status_code >= 500:
                _mark_failed(span)
            return response

    return middleware


def _tracer() -> Any:
    assert _provider is not None
    return _provider.get_tracer("meeteasy")


def _add_request_id(span: Any) -> None:
    request_id = structlog.contextvars.get_contextvars().get("request_id")
    if request_id:
        span.set_attribute("meeteasy.request_id", str(request_id))


def _mark_failed(span: Any, error: BaseException | None = None) -> None:
    from opentelemetry.trace import StatusCode

    span.set_status(StatusCode.ERROR)
    if error is not None:
        span.set_attribute("error.type", type(error).__name__)


def _send_context(headers: dict[str, Any] | None = None, **_: object) -> None:
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    if headers is not None:
        TraceContextTextMapPropagator().inject(headers)


def _begin_task(task_id: str, task: Any, **_: object) -> None:
    from opentelemetry import context
    from opentelemetry.trace import SpanKind, set_span_in_context
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    if task.request.is_eager:
        return
    given = task.request.get(_HEADER)
    parent = TraceContextTextMapPropagator().extract({_HEADER: str(given)} if given else {})
    queue = queue_of(task.name)
    span = _tracer().start_span(
        task.name,
        context=parent,
        kind=SpanKind.CONSUMER,
        attributes={"messaging.destination.name": str(queue or ""), "meeteasy.task": task.name},
    )
    _add_request_id(span)
    _running[task_id] = span, context.attach(set_span_in_context(span))


def _end_task(task_id: str, state: str | None = None, retval: Any = None, **_: object) -> None:
    from opentelemetry import context

    span, token = _running.pop(task_id, (None, None))
    if span is None:
        return
    if state == FAILURE:
        _mark_failed(span, retval if isinstance(retval, BaseException) else None)
    context.detach(token)
    span.end()
