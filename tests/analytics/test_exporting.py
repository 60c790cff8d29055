"""`manage.py export_events`: importing an export gives the same events, receipts and senders."""

import datetime as dt
import gzip
import stat
from pathlib import Path
from typing import Any

import msgspec
import pytest
from django.core.management import call_command

from analytics.exporting import export_file
from analytics.importing import ImportReport, import_file
from analytics.models import Event
from conferences.models import Conference
from tests.analytics.builders import NOON, page_view, store
from tests.analytics.test_importing import rejected_lines

pytestmark = pytest.mark.django_db

_FIELDS = (
    "id", "conference_id", "type", "ts", "received_at", "local_date", "visitor_id", "session_id", "subject",
    "is_bot", "data", "properties", "hold",
)  # fmt: skip


def stored() -> list[dict[str, Any]]:
    return list(Event.objects.order_by("pk").values(*_FIELDS))


def store_a_bit_of_all() -> None:
    store(
        page_view("a", url="https://x.example/?utm_source=news", properties={"colour": "红", "n": [1, None]}),
        page_view("b", visitor_id=None, session_id="s"),
        page_view("c", bot=True),
        {
            "event_id": "d",
            "type": "share",
            "ts": NOON,
            "visitor_id": "v1",
            "share_code": "q7Jm0Zt4",
            "channel": "x",
        },
        {
            "event_id": "e",
            "type": "share_open",
            "ts": NOON,
            "visitor_id": "v2",
            "attribution_chain": ["q7Jm0Zt4"],
        },
        {"event_id": "f", "type": "registration", "ts": NOON, "visitor_id": "v2", "registration_id": "r"},
        {"event_id": "g", "type": "checkin", "ts": NOON, "registration_id": "r"},
        {"event_id": "h", "type": "ai_chat", "ts": NOON, "message_length": 0},
    )
    events = Event.objects.filter(conference_id="summit")
    rows = [event for event in events if event.event_id in ("f", "g")]
    for event, prefix in zip(rows, ("key:", "own:"), strict=True):
        Event.objects.filter(pk=event.pk).delete()
        event.pk = f"{prefix}{event.pk}"
        event.save(force_insert=True)
    Event.objects.filter(pk="d/summit").update(hold="held")
    # Former versions took a page without a name.
    Event.objects.filter(pk="b/summit").update(data={})


@pytest.mark.parametrize("name", ["events.jsonl", "events.jsonl.gz"])
def test_an_export_can_be_imported_again(tmp_path: Path, conference: Conference, name: str) -> None:
    store_a_bit_of_all()
    before = stored()
    assert len(before) == 8
    path = tmp_path / name

    assert export_file(str(path)) == 8
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not (tmp_path / f"{name}.part").exists()
    Event.objects.all().delete()
    report = import_file(str(path), progress=False)

    assert (report.stored, report.rejected, report.warnings) == (8, 0, 0)
    assert stored() == before


def test_importing_existing_events_changes_nothing(tmp_path: Path, conference: Conference) -> None:
    store_a_bit_of_all()
    before = stored()
    path = str(tmp_path / "events")
    export_file(path)

    assert import_file(path, progress=False).duplicate == 8
    assert stored() == before


def test_only_the_given_conference_is_exported(
    tmp_path: Path, conference: Conference, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    store(page_view("a"), page_view("b", conference_id="other"))
    call_command("export_events", str(tmp_path / "events.gz"), "--conference", "other")

    (line,) = gzip.decompress((tmp_path / "events.gz").read_bytes()).splitlines()
    assert msgspec.json.decode(line)["event_id"] == "b"


def test_more_than_a_page_is_exported(tmp_path: Path, conference: Conference) -> None:
    store(*(page_view(f"e{number:05d}") for number in range(4_500)))

    assert export_file(str(tmp_path / "events")) == 4_500
    assert len((tmp_path / "events").read_bytes().splitlines()) == 4_500


def import_lines(tmp_path: Path, *lines: dict[str, Any]) -> ImportReport:
    event = {"type": "page_view", "conference_id": "summit", "page": "/", "ts": "2026-05-01T04:00:00Z"}
    content = b"\n".join(msgspec.json.encode({**event, **line}) for line in lines)
    (tmp_path / "lines").write_bytes(content)
    return import_file(str(tmp_path / "lines"), progress=False)


def test_a_line_without_receipt_arrives_at_its_event_time(tmp_path: Path, conference: Conference) -> None:
    import_lines(tmp_path, {"event_id": "a"}, {"event_id": "b", "received_at": "2026-05-02T00:00:00.5Z"})

    received = dict(Event.objects.values_list("pk", "received_at"))
    assert received == {
        "a/summit": NOON,
        "b/summit": dt.datetime(2026, 5, 2, 0, 0, 0, 500_000, tzinfo=dt.UTC),
    }


def test_no_event_happened_after_its_receipt(tmp_path: Path, conference: Conference) -> None:
    import_lines(tmp_path, {"event_id": "a", "received_at": "2026-05-01T03:00:00Z"})

    event = Event.objects.get()
    assert event.ts == event.received_at == NOON - dt.timedelta(hours=1)


def test_a_sender_gives_the_id_its_prefix(tmp_path: Path, conference: Conference) -> None:
    import_lines(
        tmp_path,
        {"event_id": "a", "sender": "key"},
        {"event_id": "key:b", "sender": "key"},
        {"event_id": "a", "sender": "client"},
        {"event_id": "a"},
        {"event_id": "c", "sender": "own"},
    )

    assert sorted(Event.objects.values_list("pk", flat=True)) == [
        "a/summit", "key:a/summit", "key:b/summit", "own:c/summit",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({"event_id": "own:a", "sender": "client"}, "reserved", "event_id"),
        ({"event_id": "own:a", "sender": "key"}, "reserved", "event_id"),
        ({"sender": "me"}, "invalid_field", "sender"),
        ({"received_at": "yesterday"}, "invalid_field", "received_at"),
        ({"received_at": -1}, "invalid_field", "received_at"),
        ({"hold": "perhaps"}, "invalid_field", "hold"),
    ],
)
def test_a_bad_receipt_is_named(
    tmp_path: Path, conference: Conference, fields: dict[str, Any], code: str, field: str
) -> None:
    report = import_lines(tmp_path, {"event_id": "good"}, fields)

    assert (report.stored, report.rejected) == (1, 1)
    (rejected,) = rejected_lines(report)
    assert (rejected["line"], rejected["code"], rejected["field"]) == (2, code, field)


def test_derived_fields_are_taken_from_the_line(tmp_path: Path, conference: Conference) -> None:
    url = "https://x.example/?utm_source=news"
    import_lines(
        tmp_path,
        {"event_id": "a", "url": url},
        {"event_id": "b", "url": url, "derived": {}},
        {"event_id": "c", "url": url, "derived": {"utm_source": "other", "page": "/forged"}},
    )

    data = dict(Event.objects.values_list("pk", "data"))
    assert data["a/summit"] == {"page": "/", "url": url, "utm_source": "news"}
    assert data["b/summit"] == {"page": "/", "url": url}
    assert data["c/summit"] == {"page": "/", "url": url, "utm_source": "other"}
