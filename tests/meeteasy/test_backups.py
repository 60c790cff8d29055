"""A backup made under load, restored on an empty machine: what was accepted is there, once."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from django.db.migrations.loader import MigrationLoader

from meeteasy.core.releases import (
    ReleaseError,
    check_release,
    find_half_replaced_migrations,
    find_unknown_migrations,
)
from tests.support.clients import PostingClients, make_event
from tests.support.counted import recount, wait_until_all_are_counted
from tests.support.services import PostgresqlServer
from tests.support.system import System


@pytest.fixture
def other(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """An empty machine: neither a database nor anything in its Valkey."""
    system = System(tmp_path_factory.mktemp("other"))
    system.valkey.start()
    system.skip_preparing()
    yield system
    system.stop()


def back_up(system: System, target: Path) -> Path:
    return Path(system.manage("backup", str(target)).partition(": ")[0])


@pytest.mark.processes
@pytest.mark.parametrize("database", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def test_a_backup_under_load_restores_what_was_accepted(
    system: System, other: System, tmp_path: Path, database: str, request: pytest.FixtureRequest
) -> None:
    if database == "postgresql":
        server: PostgresqlServer = request.getfixturevalue("postgresql")
        system.use_postgresql(server, "backed_up")
        other.environment["DATABASE_URL"] = server.create_database("restored")
    system.start("web", "events", "daily", "beat")
    upload = system.directory / "uploads" / "test" / "badge.png"
    upload.parent.mkdir(parents=True)
    upload.write_bytes(b"a file of the conference")
    with PostingClients(system.url) as clients:
        clients.wait_for_batches(60)
        before = set(clients.ids)
        folder = back_up(system, tmp_path / "backups")
        clients.wait_for_batches(20)
    system.stop()

    assert "rows" in other.manage("restore", str(folder))
    assert (other.directory / "uploads" / "test" / "badge.png").read_bytes() == upload.read_bytes()
    other.start("web", "events", "daily", "beat")
    other.wait_for(lambda: other.redis().xlen("stream:analytics.events") == 0, "what waited to be stored")
    restored = recount(other)["ids"]
    assert len(restored) == len(set(restored))
    assert before <= set(restored) <= clients.ids

    # Clients that got no answer send again; here they send everything.
    for event_id in sorted(clients.ids):
        assert other.post([make_event(event_id)]).status_code == 202
    wait_until_all_are_counted(other, clients.ids)


@pytest.mark.processes
def test_events_that_wait_are_in_the_backup(system: System, other: System, tmp_path: Path) -> None:
    """No worker runs: all of them are in Redis alone."""
    system.start("web")
    ids = {f"event-{number}" for number in range(50)}
    for event_id in ids:
        system.post([make_event(event_id)])
    folder = back_up(system, tmp_path)
    other.manage("restore", str(folder))
    other.start("web", "events", "daily", "beat")
    wait_until_all_are_counted(other, ids)


@pytest.mark.processes
def test_no_salt_leaves_its_machine(system: System, tmp_path: Path) -> None:
    system.prepare()
    system.redis().set("salt:2026-01-01", b"secret-of-the-day")
    folder = back_up(system, tmp_path)
    assert folder.is_dir()
    held = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    assert b"secret-of-the-day" not in held


@pytest.mark.processes
def test_a_restore_that_does_not_fit_writes_nothing(system: System, other: System, tmp_path: Path) -> None:
    system.prepare()
    folder = back_up(system, tmp_path / "good")

    def refused(folder: Path, system: System = other) -> str:
        with pytest.raises(AssertionError) as error:
            system.manage("restore", str(folder))
        return str(error.value)

    assert "exists already" in refused(folder, system)
    (newer := tmp_path / "newer").mkdir()
    shutil.copytree(folder, newer, dirs_exist_ok=True)
    manifest = msgspec.json.decode((newer / "manifest.json").read_bytes())
    manifest["migrations"]["analytics"].append("9999_of_the_future")
    manifest["release"] = "99.0.0"
    (newer / "manifest.json").write_bytes(msgspec.json.encode(manifest))
    assert "release 99.0.0, which is newer" in refused(newer)
    assert "analytics.9999_of_the_future" in refused(newer)

    (changed := tmp_path / "changed").mkdir()
    shutil.copytree(folder, changed, dirs_exist_ok=True)
    with (changed / "waiting").open("ab") as file:
        file.write(b"x")
    assert "was changed since the backup" in refused(changed)
    (changed / "manifest.json").unlink()
    assert "no complete backup" in refused(changed)
    assert not (other.directory / "meeteasy.sqlite3").exists()
    other.manage("restore", str(folder))


@pytest.mark.parametrize(
    ("recorded", "running", "oldest", "said"),
    [
        ("1.2.0", "1.1.9", "0.1.0", "belongs to release 1.2.0; this is the older 1.1.9"),
        ("1.10.0", "1.9.0", "0.1.0", "this is the older 1.9.0"),
        ("0.9.0", "2.0.0", "1.0.0", "2.0.0 takes over 1.0.0 or later. Upgrade to 1.0.0 first"),
    ],
)
def test_older_and_skipped_releases_are_refused_by_name(
    recorded: str, running: str, oldest: str, said: str
) -> None:
    with pytest.raises(ReleaseError, match=said.replace(".", r"\.")):
        check_release(recorded, running=running, oldest=oldest)


def test_the_next_release_may_take_over() -> None:
    check_release("1.0.0", running="1.0.0")
    check_release("1.0.0", running="2.0.0", oldest="1.0.0")


def test_unknown_migrations_are_named() -> None:
    applied = {"analytics": ["0001_initial", "9999_of_the_future"]}
    assert find_unknown_migrations(applied) == ["analytics.9999_of_the_future"]


def test_a_database_amid_replaced_migrations_is_found() -> None:
    replaced = [name for _, name in MigrationLoader(None).disk_migrations["sharing", "0001_initial"].replaces]
    assert find_half_replaced_migrations({"sharing": replaced[:-1]}) == [f"sharing.{replaced[-1]}"]
    assert find_half_replaced_migrations({"sharing": replaced}) == []
    assert find_half_replaced_migrations({"sharing": ["0001_initial"]}) == []
    assert find_half_replaced_migrations({}) == []


@pytest.mark.processes
def test_a_database_of_the_version_before_is_taken_over(system: System) -> None:
    """Its migrations have other names, and their tables are those of today."""
    system.prepare()
    with closing(sqlite3.connect(system.directory / "meeteasy.sqlite3")) as database, database:
        for (app, name), migration in MigrationLoader(None).disk_migrations.items():
            if migration.replaces:
                database.execute("DELETE FROM django_migrations WHERE app = ? AND name = ?", (app, name))
                database.executemany(
                    "INSERT INTO django_migrations (app, name, applied) VALUES (?, ?, '2026-01-01')",
                    migration.replaces,
                )
    system.manage("prepare")
    assert "[ ]" not in system.manage("showmigrations")

    with closing(sqlite3.connect(system.directory / "meeteasy.sqlite3")) as database, database:
        database.execute("DELETE FROM django_migrations WHERE app = 'sharing' AND name LIKE '0001%'")
    with pytest.raises(AssertionError, match=r"it lacks sharing\.0001_"):
        system.manage("prepare")


@pytest.mark.processes
def test_prepare_refuses_a_database_of_a_newer_release(system: System) -> None:
    system.prepare()
    system.manage("prepare")
    system.run_code(
        "from django.utils import timezone; from meeteasy.models import Release\n"
        "Release.objects.create(version='99.0.0', prepared_at=timezone.now())"
    )
    with pytest.raises(AssertionError, match=r"belongs to release 99\.0\.0"):
        system.manage("prepare")
