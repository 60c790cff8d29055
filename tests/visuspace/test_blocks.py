"""Every kind of block, by its fixture in `blocks/<kind>.json`."""

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils.html import escape

from conferences.models import Conference
from visuspace.block_fields import fields_of
from visuspace.blocks import BLOCKS, read_blocks, write_blocks
from visuspace.models import Picture, Session, Speaker
from visuspace.services.pages import get_or_create_page, publish, save_draft

FIXTURES = Path(__file__).parent / "blocks"


def fixture(kind: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((FIXTURES / f"{kind}.json").read_text(encoding="utf-8"))
    return content


def texts_in(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for item in value.values() if isinstance(value, dict) else value:
            yield from texts_in(item)


def show(conference: Conference, *blocks: dict[str, Any]) -> str:
    page = get_or_create_page(conference, language="en")
    save_draft(page, blocks=list(blocks), seen=page.draft.number if page.draft else 0, by=None)
    publish(page)
    cache.clear()
    return Client().get("/conf/summit").content.decode()


@pytest.mark.parametrize("kind", list(BLOCKS))
@pytest.mark.django_db
def test_a_block_shows_all_its_texts(conference: Conference, kind: str) -> None:
    content = fixture(kind)
    assert content.pop("type") == kind
    content.pop("id")
    for shown in content.get("pictures", []):
        Picture.objects.create(pk=shown["picture"], conference=conference, width=1600, height=900)
    page = show(conference, fixture(kind))
    for text in texts_in(content):
        assert escape(text) in page


@pytest.mark.parametrize("kind", list(BLOCKS))
def test_a_block_survives_being_stored(kind: str) -> None:
    (block,) = read_blocks([fixture(kind)])
    assert read_blocks(write_blocks([block])) == [block]
    with pytest.raises(ValidationError):
        read_blocks([{**fixture(kind), "colour": "red"}])


@pytest.mark.django_db
def test_agenda_and_speakers_come_from_the_database(conference: Conference) -> None:
    blocks = [{**fixture(kind), "id": kind} for kind in ("agenda", "speakers")]
    assert "Agenda" not in show(conference, *blocks)
    speaker = Speaker.objects.create(conference=conference, name="赵磊", affiliation="星河实验室")
    start = dt.datetime(2026, 11, 26, 1, 30, tzinfo=dt.UTC)
    for hours, title in ((24, "Second"), (0, "First")):
        session = Session.objects.create(
            conference=conference, title=title, room="Hall", starts_at=start + dt.timedelta(hours=hours)
        )
        session.speakers.add(speaker)
    page = show(conference, *blocks[::-1])
    for text in ("Thursday, 26 November", "Friday, 27 November", "09:30", "赵磊, Hall", "星河实验室"):
        assert text in page
    assert page.index("Speakers") < page.index("First") < page.index("Second")


def test_the_editor_has_labelled_fields_for_every_kind() -> None:
    for kind in BLOCKS.values():
        assert kind.label, kind
        for spec in fields_of(kind):
            assert all(
                str(part.label) != part.name or part.name == "picture" for part in (spec, *spec.columns)
            )
