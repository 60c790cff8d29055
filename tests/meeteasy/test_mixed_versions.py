"""A rolling upgrade: processes of the previous and of this version on one stream and one database.

The database is prepared by this version, as docs/operations.md has it. The previous version is the one of the
latest tag, or of the git reference in PREVIOUS_RELEASE.
"""

import os
import subprocess
import tarfile
from io import BytesIO
from pathlib import Path

import httpx
import pytest

from tests.support.clients import PostingClients
from tests.support.counted import recount, wait_until_all_are_counted
from tests.support.services import free_port
from tests.support.system import ROOT, System

pytestmark = [pytest.mark.processes, pytest.mark.faults]

REGISTER = "/api/conferences/test/registrations"
# The schedule is in the database: the older beat sends newer tasks, too, which only newer workers know.
UNKNOWN_TASK = b"Received unregistered task"
OLD = ["web", "events", "daily", "email", "beat"]


def find_previous() -> str:
    """A git reference, or "" if there is none."""
    if given := os.environ.get("PREVIOUS_RELEASE", ""):
        return given
    described = subprocess.run(
        ["git", "describe", "--tags", "--abbrev=0", "HEAD^"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return described.stdout.strip()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def upgraded(
    system: System, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> System:
    """A system whose processes of the names in OLD run the previous version's code."""
    reference = find_previous()
    if not reference:
        pytest.skip("there is no tag of a previous release, and PREVIOUS_RELEASE names none")
    if request.param == "postgresql":
        server = request.getfixturevalue("postgresql")
        system.environment["DATABASE_URL"] = server.create_database("mixed")
    archive = subprocess.run(["git", "archive", reference], cwd=ROOT, capture_output=True, check=True).stdout
    folder: Path = tmp_path_factory.mktemp("previous")
    with tarfile.open(fileobj=BytesIO(archive)) as files:
        files.extractall(folder, filter="data")
    system.roots = dict.fromkeys(OLD, folder)
    system.environment["REGISTRATION_RATE_PER_MINUTE"] = "0"
    system.prepare()
    system.manage("prepare")
    return system


def register(url: str, number: int) -> None:
    person = {"name": "Ann", "email": f"ann{number}@example.com"}
    answer = httpx.post(f"{url}{REGISTER}", json=person, timeout=120)
    assert answer.status_code == 201, answer.text


def test_workers_of_both_versions_store_each_event_once(upgraded: System) -> None:
    system = upgraded
    new_port = free_port()
    new_url = f"http://127.0.0.1:{new_port}"
    new = ["events-2", "daily-2", "email-2"]
    system.start(*OLD)
    registered = 0
    with PostingClients(system.url, threads=1) as at_old:
        at_old.wait_for_batches(20, seconds=120)
        register(system.url, registered := registered + 1)
        system.start(*new)
        at_old.wait_for_batches(60, seconds=120)
        register(system.url, registered := registered + 1)
        # Also in the wrong order: a new web server while old workers are there.
        system.start_web("web-2", port=new_port)
        with PostingClients(new_url, threads=1, prefix="new-") as at_new:
            at_new.wait_for_batches(60, seconds=120)
            at_old.wait_for_batches(20, seconds=120)
            register(new_url, registered := registered + 1)
            for name in ("events", "events-2"):
                system.wait_for(lambda name=name: b"events_stored" in system.log(name), f"{name} to store")
            for name in OLD[1:]:
                system.end(name)
            system.start("beat-2")
            at_new.wait_for_batches(20, seconds=120)
            register(system.url, registered := registered + 1)
    system.end("web")

    own = system.run_code(
        "from conferences.models import Registration\n"
        "for row in Registration.objects.all(): print(f'own:reg:{row.id}')"
    ).split()
    assert len(own) == registered
    system.http = httpx.Client(base_url=new_url, timeout=30)
    ids = at_old.ids | at_new.ids
    wait_until_all_are_counted(system, ids | set(own), seconds=180)
    assert recount(system)["dead_letters"] == 0
    print(f"{len(at_old.ids)} and {len(at_new.ids)} events, {registered} registrations")  # noqa: T201
    records = [record for name in OLD + new for record in system.log(name).split(b"timestamp=")]
    failures = [record for record in records if b"Traceback" in record and UNKNOWN_TASK not in record]
    assert not failures
