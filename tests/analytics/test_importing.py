"""`manage.py import_events`: files of events of any age, imported any number of times."""

import gzip
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from django.core.management import CommandError, call_command

from analytics.days.summaries import refresh_dirty_days
from analytics.importing import MAX_LINE_BYTES, ImportReport, ImportStoppedError, import_file
from analytics.models import DailySummary, Event
from conferences.models import Conference
from tests.support.services import free_port
from tests.support.system import ROOT, System

pytestmark = pytest.mark.django_db


def line(**fields: Any) -> bytes:
    event = {
        "type": "page_view",
        "conference_id": "summit",
        "page": "/",
        "ts": "2019-03-04T05:06:07Z",
        **fields,
    }
    return msgspec.json.encode(event) + b"\n"


LINES = [line(event_id=f"e{number}", visitor_id=f"v{number % 3}") for number in range(10)]


def write(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    return str(path)


def counts(report: ImportReport) -> tuple[int, int, int, int]:
    return report.lines, report.stored, report.duplicate, report.rejected


def rejected_lines(report: ImportReport) -> list[dict[str, Any]]:
    assert report.errors_path is not None
    return [json.loads(text) for text in Path(report.errors_path).read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_a_file_is_imported_and_its_days_are_computed(
    tmp_path: Path, conference: Conference, pack: Any
) -> None:
    path = write(tmp_path / "events", pack(b"".join(LINES)))

    assert counts(import_file(path, progress=False)) == (10, 10, 0, 0)
    refresh_dirty_days()
    (summary,) = DailySummary.objects.all()
    assert summary.date.isoformat() == "2019-03-04"
    assert (summary.figures["pv"], summary.figures["uv"]) == (10, 3)
    assert not (tmp_path / "events.errors.jsonl").exists()


def test_all_members_of_a_gzip_file_are_read(tmp_path: Path, conference: Conference) -> None:
    path = write(tmp_path / "events", b"".join(gzip.compress(text) for text in LINES))

    assert counts(import_file(path, progress=False)) == (10, 10, 0, 0)


def test_standard_input_may_be_plain_or_compressed(
    conference: Conference, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for content in (b"".join(LINES[:5]), gzip.compress(b"".join([*LINES[5:], b"{}\n"]))):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
        call_command("import_events", "-", "--no-progress")

    captured = capsys.readouterr()
    assert "5 lines: 5 events stored, 0 known already, 0 rejected" in captured.out
    assert "6 lines: 5 events stored, 0 known already, 1 rejected" in captured.out
    assert '"line":6' in captured.err  # there is no file to write one beside
    assert Event.objects.count() == 10


def test_importing_a_file_again_adds_nothing(tmp_path: Path, conference: Conference) -> None:
    path = write(tmp_path / "events", b"".join(LINES))
    import_file(path, progress=False)

    assert counts(import_file(path, progress=False)) == (10, 0, 10, 0)
    assert Event.objects.count() == 10


def test_an_interrupted_import_can_be_started_again(tmp_path: Path, conference: Conference) -> None:
    part = write(tmp_path / "part", b"".join(LINES[:4]))
    whole = write(tmp_path / "whole", b"".join(LINES))
    import_file(part, progress=False)

    assert counts(import_file(whole, progress=False)) == (10, 6, 4, 0)


def test_lines_without_event_id_are_imported_once(tmp_path: Path, conference: Conference) -> None:
    path = write(tmp_path / "events", line() + line() + line(page="/b"))

    assert counts(import_file(path, progress=False)) == (3, 3, 0, 0)  # two alike are two
    assert counts(import_file(path, progress=False)) == (3, 0, 3, 0)
    assert all(event.event_id.startswith("import-") for event in Event.objects.all())


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_a_byte_order_mark_makes_no_other_file(tmp_path: Path, conference: Conference, pack: Any) -> None:
    content = line() + line(page="/b")
    import_file(write(tmp_path / "events", content), progress=False)

    for again in (b"\xef\xbb\xbf" + content, b"\xef\xbb\xbf" + content.replace(b"\n", b"\r\n")):
        report = import_file(write(tmp_path / "again", pack(again)), progress=False)
        assert counts(report) == (2, 0, 2, 0)
    assert Event.objects.count() == 2


def test_a_file_in_utf_16_is_named_as_such(tmp_path: Path, conference: Conference) -> None:
    report = import_file(write(tmp_path / "events", line().decode().encode("utf-16")), progress=False)

    assert rejected_lines(report)[0]["code"] == "invalid_encoding"


def test_odd_values_cost_no_line(tmp_path: Path, conference: Conference) -> None:
    content = line(title=None, visitor_id="x" * 65, referrer="r" * 3000) + line(x="y" * 9000)

    assert counts(import_file(write(tmp_path / "events", content), progress=False)) == (2, 2, 0, 0)


@pytest.mark.parametrize("context", [{"page": {"path": "/"}}, {"app": ""}, {"app": "\0"}, [], "web", 7])
def test_a_context_of_another_tool_costs_no_line(
    tmp_path: Path, conference: Conference, context: object
) -> None:
    report = import_file(write(tmp_path / "events", line(context=context)), progress=False)

    assert (counts(report), report.warnings) == ((1, 1, 0, 0), 1)
    assert not Event.objects.get().context


def test_bad_lines_are_listed_and_the_rest_is_imported(tmp_path: Path, conference: Conference) -> None:
    bad: list[tuple[bytes, str, str | None]] = [
        (b"not json\n", "invalid_json", None),
        (b"[]\n", "not_an_object", None),
        (line(type="nope"), "unknown_type", "type"),
        (b'{"type": "page_view", "conference_id": "summit"}\n', "missing_field", "page"),
        (line(event_id={}), "invalid_field", "event_id"),
        (line(ts=-1), "too_old", "ts"),
        (line(ts=1_790_000_000), "too_old", "ts"),
        (line(event_id="undefined"), "invalid_field", "event_id"),
        (line(event_id="a\0b"), "invalid_text", "event_id"),
        (line(page="caf").replace(b"caf", b"caf\xe9"), "invalid_text", "page"),
        (line(x="y" * MAX_LINE_BYTES), "too_large", None),
        (line(x="y" * 3 * MAX_LINE_BYTES), "too_large", None),
    ]
    content = (
        b"\n" + b"".join(good + text for good, (text, _, _) in zip(LINES * 2, bad, strict=False)) + LINES[9]
    )
    report = import_file(write(tmp_path / "events", content), progress=False)

    assert (report.lines, report.rejected) == (2 * len(bad) + 2, len(bad))
    assert Event.objects.count() == 10
    listed = rejected_lines(report)
    assert [item["line"] for item in listed] == [2 * number + 3 for number in range(len(bad))]
    assert [(item["code"], item["field"]) for item in listed] == [(code, field) for _, code, field in bad]
    assert all(item["message"] for item in listed)


def test_the_length_limit_of_a_line_is_exact(tmp_path: Path, conference: Conference) -> None:
    text = line(event_id="long")[:-1]
    padded = text + b" " * (MAX_LINE_BYTES - len(text))
    report = import_file(write(tmp_path / "events", padded + b"\r\n" + padded + b" \n"), progress=False)

    # Trailing blanks are cut off. The line still counts: there are two lines, and one is too long.
    assert counts(report) == (2, 1, 0, 1)
    assert rejected_lines(report)[0]["line"] == 2


def test_a_last_line_without_newline_counts(tmp_path: Path, conference: Conference) -> None:
    path = write(tmp_path / "events", b"".join(LINES)[:-1])

    assert counts(import_file(path, progress=False)) == (10, 10, 0, 0)


def test_an_empty_file_is_no_error(tmp_path: Path, conference: Conference) -> None:
    assert counts(import_file(write(tmp_path / "events", b""), progress=False)) == (0, 0, 0, 0)


def test_complete_lines_of_a_truncated_gzip_file_are_stored(
    tmp_path: Path, conference: Conference, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [line(event_id=f"e{number}", title=os.urandom(500).hex()) for number in range(2000)]
    packed = gzip.compress(b"".join(lines))
    path = write(tmp_path / "events.gz", packed[: len(packed) // 2])

    with pytest.raises(ImportStoppedError, match="after line") as caught:
        import_file(path, progress=False)
    report = caught.value.report
    assert 500 < report.stored < 1500
    assert Event.objects.count() == report.stored == report.lines

    with pytest.raises(CommandError, match="damaged after line"):
        call_command("import_events", path, "--no-progress")
    assert f"{report.stored} known already" in capsys.readouterr().out

    assert (
        counts(import_file(write(tmp_path / "whole.gz", packed), progress=False))[1] == 2000 - report.stored
    )


def test_a_damaged_gzip_file_stops_the_import(tmp_path: Path, conference: Conference) -> None:
    packed = bytearray(gzip.compress(b"".join(line(title=os.urandom(500).hex()) for _ in range(2000))))
    packed[len(packed) // 2 : len(packed) // 2 + 200] = bytes(200)

    with pytest.raises(ImportStoppedError):
        import_file(write(tmp_path / "events.gz", bytes(packed)), progress=False)


def test_a_missing_file_gives_an_error_without_traceback(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="No such file"):
        call_command("import_events", str(tmp_path / "missing"))


def test_an_import_stops_while_redis_is_away(
    tmp_path: Path, conference: Conference, settings: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path / "events", b"bad\n" + b"".join(LINES))
    redis_url = settings.REDIS_URL
    settings.REDIS_URL = f"redis://127.0.0.1:{free_port()}/0"  # the watched conferences are there
    with pytest.raises(CommandError, match=r"stopped at line 2: .*; start the import again"):
        call_command("import_events", path, "--no-progress")
    assert "11 lines: 0 events stored, 0 known already, 1 rejected" in capsys.readouterr().out

    settings.REDIS_URL = redis_url
    assert counts(import_file(path, progress=False)) == (11, 0, 10, 1)
    assert Event.objects.count() == 10


def test_errors_go_to_the_given_file(tmp_path: Path, conference: Conference) -> None:
    errors = tmp_path / "elsewhere.jsonl"
    call_command(
        "import_events",
        write(tmp_path / "events", b"bad\n"),
        "--errors",
        str(errors),
        "--no-progress",
        stdout=io.StringIO(),
    )

    assert json.loads(errors.read_text())["line"] == 1


@pytest.mark.parametrize("visitor", [{}, {"visitor_id": "undefined"}])
def test_each_line_without_visitor_is_a_visitor(
    tmp_path: Path, conference: Conference, visitor: dict[str, str]
) -> None:
    content = line(event_id="a", **visitor) + line(event_id="b", **visitor)
    import_file(write(tmp_path / "events", content), progress=False)
    refresh_dirty_days()

    figures = DailySummary.objects.get().figures
    assert (figures["pv"], figures["uv"]) == (2, 2)


def test_progress_is_shown_up_to_the_end(
    tmp_path: Path, conference: Conference, capfd: pytest.CaptureFixture[str]
) -> None:
    import_file(write(tmp_path / "events", b"".join(LINES)))

    shown = capfd.readouterr().err
    assert "import" in shown
    assert "100%" in shown


def test_events_of_an_unknown_conference_wait(tmp_path: Path) -> None:
    import_file(write(tmp_path / "events", b"".join(LINES)), progress=False)

    assert Event.objects.filter(local_date=None).count() == 10


@pytest.mark.processes
def test_a_pipe_into_the_command_works_from_outside(system: System) -> None:
    system.prepare()
    content = b"".join(line(conference_id="test", event_id=f"e{number}") for number in range(12_000))
    result = subprocess.run(
        [sys.executable, "manage.py", "import_events", "-", "--no-progress"],
        cwd=ROOT,
        env=system.environment,
        input=content,
        capture_output=True,
        check=True,
    )

    assert b"12000 lines: 12000 events stored, 0 known already, 0 rejected" in result.stdout
    again = system.manage("import_events", "-", "--no-progress", input=content)
    assert "0 events stored, 12000 known already" in again

    days = ("--conference", "test", "--from", "2019-03-04", "--to", "2019-03-05")
    assert "2 days computed" in system.manage("aggregate", *days)
    figures = system.run_code(
        "from analytics.models import DailySummary;"
        "print(DailySummary.objects.get(id='test:2019-03-04').figures['pv'])"
    )
    assert figures.strip() == "12000"
