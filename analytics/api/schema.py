"""The event endpoint in the OpenAPI description, derived from the catalogue of event types."""

from typing import Any

import msgspec
from django.conf import settings

from analytics.event_types import EVENT_TYPES
from analytics.ingest.app import PATH
from meeteasy.core.openapi import ERROR_RESPONSE

_REFUSALS = {
    "400": "Not JSON, nested too deeply, no events, or no valid event",
    "401": "A secret key that is none, or no key where a conference requires one",
    "413": "Too large",
    "415": "Neither JSON nor plain text, or an unknown encoding",
    "429": "Over the client's rate: nothing was taken, see Retry-After",
    "503": (
        "See Retry-After. After `queue_full` nothing was taken. After `broker_unavailable` the batch may "
        "have been taken: send it again with the same event ids"
    ),
}
_REJECTION: dict[str, Any] = {
    "type": "object",
    "properties": {
        "index": {
            "type": ["integer", "null"],
            "description": "Place in the batch; null: the batch's own `sent_at`.",
        },
        "code": {"type": "string"},
        "message": {"type": "string"},
        "field": {"type": "string", "description": "The field at fault, where there is one."},
    },
}
_ACCEPTED: dict[str, Any] = {
    "type": "object",
    "properties": {
        "accepted": {"type": "integer", "description": "How many events were taken."},
        "rejected": {
            "type": "array",
            "items": _REJECTION,
            "description": "The events that were not taken.",
        },
    },
}


def event_json_schemas() -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """JSON Schema (2020-12) of every event type: references, and the components that they point to."""
    types = [event_type for event_type in EVENT_TYPES.values() if not event_type.internal]
    references, components = msgspec.json.schema_components(types, ref_template="#/components/schemas/{name}")
    for event_type in types:
        schema = components[event_type.__name__]
        schema["title"] = event_type.label
        # Fields that the type does not declare are kept as properties.
        schema["additionalProperties"] = True
        schema["examples"] = [example_event(event_type.__struct_config__.tag)]  # type: ignore[arg-type]
    return list(references), components


def example_event(type_name: str) -> dict[str, Any]:
    """A realistic event of a type, as a client sends it.

    It has no `event_id`, so that each time it is sent it is another event.
    """
    return {
        "type": type_name,
        "conference_id": "test",
        "visitor_id": "v-7f3b2c",
        **EVENT_TYPES[type_name].example,
    }


def add_ingest_endpoint(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """Postprocessing hook of drf-spectacular: the endpoint that Django does not serve itself."""
    references, components = event_json_schemas()
    schemas = result.setdefault("components", {}).setdefault("schemas", {})
    schemas.update(components, EventBatch=_batch_schema(references), EventBatchAccepted=_ACCEPTED)
    result["paths"][PATH] = {"post": _operation()}
    result["components"].setdefault("securitySchemes", {})["eventKey"] = {
        "type": "http",
        "scheme": "bearer",
        "description": "A write key or secret key of the conference (docs/doors.md).",
    }
    result["paths"] = dict(sorted(result["paths"].items()))
    return result


def _batch_schema(event_references: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["events"],
        "properties": {
            "events": {
                "type": "array",
                "minItems": 1,
                "maxItems": settings.INGEST_MAX_EVENTS,
                "items": {"oneOf": event_references, "discriminator": {"propertyName": "type"}},
            },
            "sent_at": {
                "description": (
                    "When the batch was sent, by the client's clock; corrects `ts`. A value that is not a "
                    "time is named in `rejected` and costs no event."
                ),
                "anyOf": [{"type": "string", "format": "date-time"}, {"type": "number"}],
            },
        },
    }


def _operation() -> dict[str, Any]:
    batch = {"schema": {"$ref": "#/components/schemas/EventBatch"}, "examples": _examples()}
    accepted = {"application/json": {"schema": {"$ref": "#/components/schemas/EventBatchAccepted"}}}
    return {
        "operationId": "analytics_events_create",
        "tags": ["analytics"],
        "summary": "Send a batch of events",
        "description": (
            f"At most {settings.INGEST_MAX_EVENTS} events and {settings.INGEST_MAX_BODY_BYTES} bytes; gzip "
            "is allowed. A bad event is rejected alone. 202 means that the batch is in the queue. Give each "
            "event an `event_id`: the batch can then be sent again at any time without counting twice. "
            "What is sent with a secret key is confirmed, and may say of the visitor in `context`: "
            "`user_agent`, `country`, `ip`, `visitor_id`. Segment's, RudderStack's, Plausible's and Umami's "
            "SDKs have doors of their own (docs/doors.md)."
        ),
        "security": [{}, {"eventKey": []}],
        "requestBody": {"required": True, "content": {"application/json": batch, "text/plain": batch}},
        "responses": {
            "202": {"description": "Taken", "content": accepted},
            **{
                status: {"description": description, "content": ERROR_RESPONSE}
                for status, description in _REFUSALS.items()
            },
        },
    }


def _examples() -> dict[str, Any]:
    """A batch of one event for each type that clients send."""
    return {
        name: {"summary": event_type.label, "value": {"events": [example_event(name)]}}
        for name, event_type in EVENT_TYPES.items()
        if not event_type.internal
    }
