"""The ingest endpoint in the OpenAPI description, derived from the catalogue of event types."""

from typing import Any

import msgspec
from django.conf import settings

from analytics.event_types import EVENT_TYPES
from analytics.ingest.app import PATH


def event_json_schemas() -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """JSON Schema (2020-12) of every event type: references, and the components that they point to."""
    types = [event_type for event_type in EVENT_TYPES.values() if not event_type.internal]
    references, components = msgspec.json.schema_components(types, ref_template="#/components/schemas/{name}")
    for event_type in types:
        schema = components[event_type.__name__]
        schema["title"] = event_type.label
        # Fields that no type declares are kept as properties.
        schema["additionalProperties"] = True
        schema["examples"] = [example_event(event_type.__struct_config__.tag)]  # type: ignore[arg-type]
    return list(references), components


def example_event(type_name: str) -> dict[str, Any]:
    """A realistic event of a type, as a client sends it."""
    return {
        "type": type_name,
        "conference_id": "test",
        "event_id": "0199d3a8-6f5e-7c1a-9b7e-0a4f6d2c8e10",
        "visitor_id": "v-7f3b2c",
        **EVENT_TYPES[type_name].example,
    }


def add_ingest_endpoint(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """Postprocessing hook of drf-spectacular: the endpoint that Django does not serve itself."""
    references, components = event_json_schemas()
    schemas = result.setdefault("components", {}).setdefault("schemas", {})
    schemas.update(components)
    schemas["EventBatch"] = {
        "type": "object",
        "required": ["events"],
        "properties": {
            "events": {
                "type": "array",
                "minItems": 1,
                "maxItems": settings.INGEST_MAX_EVENTS,
                "items": {"oneOf": references, "discriminator": {"propertyName": "type"}},
            },
            "sent_at": {
                "description": (
                    "When the batch was sent, by the client's clock; corrects `ts`. One that is no time is "
                    "named in `rejected`, and costs no event."
                ),
                "anyOf": [{"type": "string", "format": "date-time"}, {"type": "number"}],
            },
        },
    }
    rejection = {
        "type": "object",
        "properties": {
            "index": {
                "type": ["integer", "null"],
                "description": "Place in the batch; null: the batch's own `sent_at`.",
            },
            "code": {"type": "string"},
            "message": {"type": "string"},
            "field": {"type": "string"},
        },
    }
    schemas["EventBatchAccepted"] = {
        "type": "object",
        "properties": {
            "accepted": {"type": "integer"},
            "rejected": {"type": "array", "items": rejection},
        },
    }
    schemas["Error"] = {
        "type": "object",
        "properties": {
            "error": {
                "type": "object",
                "properties": {
                    "code": {"type": "string"},
                    "message": {"type": "string"},
                    "details": {},
                },
            }
        },
    }
    batch = {"schema": {"$ref": "#/components/schemas/EventBatch"}}
    error = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    for path in result["paths"].values():
        for operation in path.values():
            operation["responses"].setdefault("4XX", {"description": "Refused", "content": error})
            if "503" in operation["responses"]:
                operation["responses"]["503"]["content"] = error
    result["paths"][PATH] = {
        "post": {
            "operationId": "analytics_events_create",
            "tags": ["analytics"],
            "summary": "Send a batch of events",
            "description": (
                f"At most {settings.INGEST_MAX_EVENTS} events and {settings.INGEST_MAX_BODY_BYTES} bytes, "
                "gzip allowed. A bad event is rejected by itself. 202 means that the batch is in the queue; "
                "give each event an `event_id` and a batch may be sent again at any time without counting "
                "twice."
            ),
            "security": [{}],
            "requestBody": {"required": True, "content": {"application/json": batch, "text/plain": batch}},
            "responses": {
                "202": {
                    "description": "Taken",
                    "content": {
                        "application/json": {"schema": {"$ref": "#/components/schemas/EventBatchAccepted"}}
                    },
                },
                "400": {
                    "description": (
                        "Not JSON, nested so deeply that it cannot be read, no events, or no valid one"
                    ),
                    "content": error,
                },
                "413": {"description": "Too large", "content": error},
                "415": {"description": "Not JSON or plain text, or an unknown encoding", "content": error},
                "429": {"description": "Over the client's rate; see Retry-After", "content": error},
                "503": {"description": "Queue full or broker away; see Retry-After", "content": error},
            },
        }
    }
    result["paths"] = dict(sorted(result["paths"].items()))
    return result
