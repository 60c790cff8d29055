"""Local time comes from the locked `tzdata` package, in every process, whatever the machine's files say."""

import datetime as dt
import os
import shutil
import subprocess
import sys
from importlib import resources
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

import pytest
import tzdata

import meeteasy  # noqa: F401  which chooses the zone data
from analytics.days.zones import local_date, zone_version
from tests.support.system import ROOT, System

# Names whose offsets differ between the lock and Debian 12's files of 2025.
CHANGED = [
    ("America/Winnipeg", "2026-11-29T05:30:00Z", "2026-11-29"),
    ("America/Havana", "2026-11-29T04:30:00Z", "2026-11-29"),
]


@pytest.mark.parametrize(("zone", "instant", "date"), CHANGED)
def test_an_instant_has_the_date_of_the_locked_data(zone: str, instant: str, date: str) -> None:
    ts_ms = round(dt.datetime.fromisoformat(instant).timestamp() * 1000)

    assert local_date(zone, ts_ms).isoformat() == date


def test_every_zone_is_read_from_the_package() -> None:
    names = sorted(available_timezones())
    assert len(names) > 500
    for name in names:
        file = resources.files("tzdata").joinpath("zoneinfo", *name.split("/"))
        with file.open("rb") as stream:
            packaged = ZoneInfo.from_file(stream)
        for month in range(24 * 12):
            instant = dt.datetime(2004 + month // 12, month % 12 + 1, 2, tzinfo=dt.UTC)
            found, expected = (instant.astimezone(zone).utcoffset() for zone in (ZoneInfo(name), packaged))
            assert found == expected, (name, instant)


def test_the_environment_cannot_choose_other_zone_data(tmp_path: Path) -> None:
    (tmp_path / "Asia").mkdir()
    shutil.copy(Path(tzdata.__path__[0]) / "zoneinfo" / "America" / "Denver", tmp_path / "Asia" / "Shanghai")
    code = (
        "import meeteasy, zoneinfo, datetime as dt;"
        "print(dt.datetime(2026, 1, 1, tzinfo=zoneinfo.ZoneInfo('Asia/Shanghai')).utcoffset())"
    )
    environment = {**os.environ, "PYTHONTZPATH": str(tmp_path)}
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )

    assert found.stdout.strip() == "8:00:00"


def test_an_unknown_zone_has_no_version() -> None:
    assert zone_version("Mars/Olympus") == ""
    assert len(zone_version("Asia/Shanghai")) == 16
    assert zone_version("Asia/Shanghai") != zone_version("America/Denver")


@pytest.mark.processes
def test_a_new_zone_data_release_redates_stored_days(system: System, tmp_path: Path) -> None:
    """The release is a copy of the package in which Winnipeg has the offsets of Tokyo."""
    system.prepare()
    release = tmp_path / "release"
    shutil.copytree(tzdata.__path__[0], release / "tzdata")
    america = release / "tzdata" / "zoneinfo" / "America"
    shutil.copy(release / "tzdata" / "zoneinfo" / "Asia" / "Tokyo", america / "Winnipeg")

    def run(code: str, **environment: str) -> str:
        result = subprocess.run(
            [sys.executable, "manage.py", "shell", "--no-imports", "-c", code],
            cwd=ROOT,
            env={**system.environment, **environment},
            capture_output=True,
            text=True,
            check=True,
        )
        return result.stdout.strip()

    refresh = (
        "from analytics.days.redating import redate_changed_conferences;"
        "from analytics.days.summaries import refresh_dirty_days;"
        "from analytics.models import DailySummary;"
        "redated = redate_changed_conferences(); refresh_dirty_days();"
        "print(redated, [(str(day.date), day.figures['pv']) for day in DailySummary.objects.all()])"
    )
    run("from conferences.models import Conference; Conference.objects.update(time_zone='America/Winnipeg')")
    line = '{"type":"page_view","conference_id":"test","page":"/","ts":"2026-06-01T16:00:00Z","event_id":"a"}'
    system.manage("import_events", "-", "--no-progress", input=line.encode())

    assert run(refresh) == "1 [('2026-06-01', 1)]"
    assert run(refresh) == "0 [('2026-06-01', 1)]"
    assert run(refresh, PYTHONPATH=str(release)) == "1 [('2026-06-02', 1)]"
    assert run(refresh, PYTHONPATH=str(release)) == "0 [('2026-06-02', 1)]"
