"""The description of the event endpoint: its examples can be sent as they stand."""

from typing import Any

import pytest
from asgiref.sync import sync_to_async
from rest_framework.test import APIClient

from analytics.event_types import EVENT_TYPES
from analytics.ingest.app import PATH
from tests.analytics.ingest.conftest import Door, read_stream

PUBLIC_TYPES = [name for name, event_type in EVENT_TYPES.items() if not event_type.internal]


def read_examples() -> dict[str, Any]:
    schema = APIClient().get("/api/schema", HTTP_ACCEPT="application/json").json()
    body = schema["paths"][PATH]["post"]["requestBody"]["content"]["application/json"]
    return {name: example["value"] for name, example in body["examples"].items()}


def test_every_type_that_clients_send_has_an_example() -> None:
    assert sorted(read_examples()) == sorted(PUBLIC_TYPES)


@pytest.mark.parametrize("name", PUBLIC_TYPES)
async def test_an_example_sent_twice_counts_twice(name: str, door: Door) -> None:
    examples = await sync_to_async(read_examples)()
    for _ in range(2):
        answer = await door.send(body=examples[name])
        assert (answer.status_code, answer.json()) == (202, {"accepted": 1, "rejected": []})

    rows = read_stream()
    assert [row.type for row in rows] == [name, name]
    assert rows[0].event_id != rows[1].event_id
