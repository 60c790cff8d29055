"""Spans go to a server that takes OTLP over HTTP: of requests and of the tasks that they send."""

from collections.abc import Iterator

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from tests.meeteasy.telemetry.receiver import PERSONAL, Receiver, run

CODE = """
import threading
from celery.contrib.testing.worker import start_worker
from meeteasy.celery import app
from meeteasy.telemetry import spans

ended = threading.Event()

@app.task(name="tests.greets")
def greets(address):
    ended.set()

@app.task(name="tests.fails")
def fails(address):
    raise KeyError(address)

def on_request():
    greets.apply_async(["ann@example.com"], queue="tests")
    fails.apply_async(["visitor-4711"], queue="tests")

print(ask("fine").status_code, ask("broken").status_code)
with start_worker(app, queues=["tests"], perform_ping_check=False):
    assert ended.wait(30)
    import time
    time.sleep(1)
spans.flush()
"""


@pytest.fixture(scope="module")
def sent() -> Iterator[tuple[Receiver, dict[str, Span], dict[str, str]]]:
    """What arrived: all of it, the spans by name, and what they say of the sender."""
    receiver = Receiver()
    printed = run(CODE, OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{receiver.port}")
    assert printed.strip().splitlines()[0] == "200 500"
    spans: dict[str, Span] = {}
    sender: dict[str, str] = {}
    for path, body in receiver.taken:
        assert path == "/v1/traces"
        for group in ExportTraceServiceRequest.FromString(body).resource_spans:
            sender |= {item.key: item.value.string_value for item in group.resource.attributes}
            for scope in group.scope_spans:
                spans |= {span.name: span for span in scope.spans}
    yield receiver, spans, sender
    receiver.close()


def attributes_of(span: Span) -> dict[str, str | int]:
    return {item.key: item.value.string_value or item.value.int_value for item in span.attributes}


Sent = tuple[Receiver, dict[str, Span], dict[str, str]]


def test_a_task_is_a_child_of_the_request_that_sent_it(sent: Sent) -> None:
    _, spans, sender = sent
    request, task = spans["POST fine"], spans["tests.greets"]
    assert (task.trace_id, task.parent_span_id) == (request.trace_id, request.span_id)
    assert request.parent_span_id == b""
    assert attributes_of(request) == {
        "http.request.method": "POST", "http.response.status_code": 200, "http.route": "fine/<str:token>/",
        "meeteasy.request_id": "request-0815",
    }  # fmt: skip
    assert attributes_of(task)["meeteasy.request_id"] == "request-0815"
    assert sender["service.name"] == "meeteasy"
    assert sender["service.version"]


def test_what_failed_is_marked_with_the_errors_class_only(sent: Sent) -> None:
    _, spans, _ = sent
    assert spans["POST broken"].status.code == spans["tests.fails"].status.code == Status.STATUS_CODE_ERROR
    assert attributes_of(spans["tests.fails"])["error.type"] == "KeyError"
    assert spans["tests.greets"].status.code == Status.STATUS_CODE_UNSET
    assert not spans["POST broken"].events


def test_nothing_personal_is_among_the_spans(sent: Sent) -> None:
    receiver, _, _ = sent
    everything = receiver.everything()
    assert "request-0815" in everything, "the control"
    assert not [text for text in PERSONAL if text in everything]
