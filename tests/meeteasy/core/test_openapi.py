"""`/api/schema`: every operation is described."""

from typing import Any

import pytest
from rest_framework.test import APIClient

pytestmark = pytest.mark.django_db


def operations() -> list[tuple[str, dict[str, Any]]]:
    schema = APIClient().get("/api/schema", HTTP_ACCEPT="application/json").json()
    return [
        (f"{method} {path}", operation)
        for path, methods in schema["paths"].items()
        for method, operation in methods.items()
    ]


def test_every_operation_has_a_summary() -> None:
    found = operations()

    assert len(found) > 40
    assert [name for name, operation in found if not operation.get("summary")] == []


def test_every_parameter_is_described() -> None:
    parameters = [
        (name, parameter) for name, operation in operations() for parameter in operation.get("parameters", ())
    ]

    assert len(parameters) > 80
    assert [(name, each["name"]) for name, each in parameters if not each.get("description")] == []


def test_every_operation_describes_its_errors() -> None:
    for name, operation in operations():
        errors = [answer for status, answer in operation["responses"].items() if status[0] in "45"]
        assert errors, name
        for answer in errors:
            assert answer["content"]["application/json"]["schema"]["$ref"].endswith("/Error"), name
