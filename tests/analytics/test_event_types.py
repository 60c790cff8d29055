"""The catalogue: the parts that every type must have, and everything that its file alone brings."""

import asyncio
import datetime as dt
import re
from collections.abc import Callable, Iterator
from typing import Annotated, Any, ClassVar

import jsonschema
import msgspec
import pytest
from django.contrib.auth.models import User
from django.test import Client
from msgspec import Meta
from rest_framework.test import APIClient

from analytics.api.schema import event_json_schemas, example_event
from analytics.days.figures import figure_names
from analytics.days.summaries import refresh_dirty_days
from analytics.event_types import EVENT_TYPES, EventType, Figure, Id, Text, register
from analytics.event_types._base import all_figure_names
from analytics.events.validation import EventError, parse_event
from analytics.ingest.app import Ingest
from analytics.models import Event
from conferences.models import Conference
from meeteasy.core.registry import DuplicateMemberError
from tests.analytics.ingest.conftest import Door
from tests.analytics.streams import make_drain, run
from tests.support.event_types import registered

TYPES = list(EVENT_TYPES)
PUBLIC_TYPES = [name for name, event_type in EVENT_TYPES.items() if not event_type.internal]


def schema_of(name: str) -> jsonschema.Draft202012Validator:
    references, components = event_json_schemas()
    by_tag = {
        component["properties"]["type"]["enum"][0]: reference
        for reference in references
        for component in [components[reference["$ref"].rsplit("/", 1)[1]]]
    }
    schema = {**by_tag[name], "components": {"schemas": components}}
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def test_the_contracts_types_are_there() -> None:
    assert {"page_view", "share", "share_open", "registration", "checkin", "ai_chat"} <= set(TYPES)


@pytest.mark.parametrize("name", TYPES)
def test_a_type_has_its_own_name_label_and_file(name: str) -> None:
    event_type = EVENT_TYPES[name]

    assert re.fullmatch(r"[a-z][a-z0-9_]{0,63}", name)
    assert event_type.label.strip()
    assert [other.label for other in EVENT_TYPES.values()].count(event_type.label) == 1
    assert event_type.__module__ == f"analytics.event_types.{name}"


@pytest.mark.parametrize("name", TYPES)
def test_a_types_example_is_valid_and_complete(name: str) -> None:
    event_type = EVENT_TYPES[name]
    event = parse_event(example_event(name))

    assert type(event) is event_type
    own = set(event_type.__struct_fields__) - set(EventType.__struct_fields__)
    assert own == set(event_type.example), "the example shows every own field"
    assert event.properties is None


@pytest.mark.parametrize("name", PUBLIC_TYPES)
def test_a_types_json_schema_agrees_with_the_door(name: str) -> None:
    schema, example = schema_of(name), example_event(name)
    schema.validate(example)
    schema.validate({**example, "colour": "red"})  # kept as a property

    for field in example:
        for bad in (None, 7, "", [], {}, "x" * 5000):
            changed = {**example, field: bad}
            if bad is None:
                del changed[field]
            warnings: list[str] = []
            try:
                parse_event(changed, lambda code, message, field, seen=warnings: seen.append(code))
            except EventError:
                warnings.append("rejected")
            if warnings or bad != 7:  # numbers as ids and texts are accepted silently
                assert schema.is_valid(changed) == (not warnings), (field, bad, warnings)


@pytest.mark.django_db
@pytest.mark.parametrize("name", TYPES)
def test_a_type_appears_in_openapi_and_the_admin(name: str, admin_client: Client) -> None:
    schema = APIClient().get("/api/schema", HTTP_ACCEPT="application/json").json()
    items = schema["components"]["schemas"]["EventBatch"]["properties"]["events"]["items"]
    labels = {
        schema["components"]["schemas"][reference["$ref"].rsplit("/", 1)[1]]["title"]
        for reference in items["oneOf"]
    }
    assert (EVENT_TYPES[name].label in labels) == (name in PUBLIC_TYPES)

    assert f"?type={name}" in admin_client.get("/admin/analytics/event/").content.decode()


def test_no_two_types_feed_the_same_figure() -> None:
    assert len(set(all_figure_names())) == len(all_figure_names())


def test_a_name_that_is_taken_is_refused() -> None:
    class Copy(EventType, tag="page_view", kw_only=True):
        label: ClassVar[str] = "Copied and not renamed"

    with pytest.raises(DuplicateMemberError, match="page_view"):
        register(Copy)


@pytest.mark.parametrize(
    "of_type", [str, int, Annotated[int, Meta(ge=0)], dict[str, int], list[Id], dt.datetime, Any, str | None]
)
def test_a_type_whose_fields_have_no_bounds_is_refused(of_type: Any) -> None:
    unbounded = msgspec.defstruct(
        "Unbounded", [("much", of_type)], bases=(EventType,), tag="much", kw_only=True
    )
    with pytest.raises(TypeError, match=r"Unbounded\.much"):
        register(unbounded)  # type: ignore[type-var]
    assert "much" not in EVENT_TYPES


# The recipe of CONTRIBUTING.md, followed in a test. A new type needs nothing more.


@pytest.fixture
def session_rating() -> Iterator[str]:
    class SessionRating(EventType, tag="session_rating", kw_only=True):
        label: ClassVar[str] = "Session rating"
        figures: ClassVar[dict[str, Figure]] = {
            "ratings": Figure.EVENTS,
            "rated_sessions": Figure.DISTINCT_SUBJECTS,
        }
        example: ClassVar[dict[str, Any]] = {"talk": "keynote", "stars": 4}

        talk: Text
        stars: Annotated[int, Meta(ge=1, le=5)]

        def subject(self) -> str | None:
            return self.talk

    with registered(SessionRating):
        yield "session_rating"


def send(events: list[dict[str, Any]]) -> Any:
    async def post() -> Any:
        ingest = Ingest()
        await ingest.start()
        answer = await Door(ingest).send(events)
        await ingest.stop()
        return answer.json()

    return asyncio.run(post())


def rating(**fields: Any) -> dict[str, Any]:
    return {"type": "session_rating", "conference_id": "summit", "talk": "keynote", "stars": 4, **fields}


@pytest.mark.django_db
def test_a_new_type_flows_from_http_into_its_figures(
    session_rating: str, conference: Conference, alice: User, api: Callable[[User], APIClient]
) -> None:
    answer = send([rating(), rating(stars=6), rating(talk="panel"), rating(stars=5)])
    assert answer["accepted"] == 3
    assert [(item["index"], item["field"]) for item in answer["rejected"]] == [(1, "stars")]

    run(make_drain())
    assert Event.objects.filter(type="session_rating").count() == 3
    assert Event.objects.filter(data__stars=5).count() == 1

    refresh_dirty_days()
    (summary,) = api(alice).get("/api/analytics/daily", {"conference_id": "summit"}).json()["results"]
    assert (summary["ratings"], summary["rated_sessions"], summary["pv"]) == (3, 2, 0)

    schema_of("session_rating").validate(example_event("session_rating"))
    csv = b"".join(
        api(alice).get("/api/analytics/daily", {"conference_id": "summit", "format": "csv"})  # type: ignore[arg-type]
    ).decode()
    assert ",ratings,rated_sessions," in csv.splitlines()[0]


def test_an_event_with_a_too_long_subject_is_rejected(session_rating: str) -> None:
    answer = send([rating(talk="x" * 64), rating(talk="x" * 65)])
    assert answer["accepted"] == 1
    assert [(item["index"], item["code"]) for item in answer["rejected"]] == [(1, "subject_too_long")]


@pytest.mark.django_db
def test_a_removed_type_leaves_nothing_behind(conference: Conference) -> None:
    assert "session_rating" not in EVENT_TYPES
    assert "ratings" not in figure_names()
    assert send([rating(), rating()])["error"]["details"]["rejected"][0]["code"] == "unknown_type"
