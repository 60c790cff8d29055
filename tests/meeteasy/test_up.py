"""`bin/run` and what it calls, `manage.py up`: one command, all processes, one end."""

import os
import re
import shlex
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import httpx
import psutil
import pytest

from meeteasy.supervising import Calm, stop_seconds
from tests.support.databases import migrated_sqlite
from tests.support.environment import SHARED_DIRECTORY
from tests.support.services import free_port
from tests.support.system import ROOT
from tests.support.time_limits import at_most

MANAGE_UP = [sys.executable, "manage.py", "up"]
BIN_RUN = ["bin/run"]


class Up:
    """The command in a process group of its own, as a terminal starts it.

    directory: for its data. folder: where it is called, by default the project's folder.
    """

    def __init__(self, directory: Path, folder: Path = ROOT) -> None:
        self.directory = directory
        self.folder = folder
        self.environment: dict[str, str] = {}
        self.url = ""
        self.process: subprocess.Popen[bytes] | None = None
        self._seen: list[psutil.Process] = []

    def start(self, command: Sequence[str] = MANAGE_UP) -> None:
        """Start it in the environment of the tests. `bin/run` still makes its own files."""
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.environment = {**os.environ, "DATA_DIR": str(self.directory), "PORT": str(port),
                            "VALKEY_PORT": str(free_port())}  # fmt: skip
        if command == BIN_RUN:
            del self.environment["SECRET_KEY"]
        with open(self.directory / "up.log", "ab") as log:
            self.process = subprocess.Popen(
                command, cwd=self.folder, env=self.environment, stdout=log, stderr=log, start_new_session=True
            )  # fmt: skip
        self.wait_for(self._serves, "the web server")

    def _serves(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log()
        try:
            return httpx.get(f"{self.url}/readyz", timeout=5).status_code == 200
        except httpx.TransportError:
            return False

    def children(self) -> list[psutil.Process]:
        assert self.process is not None
        self._seen = psutil.Process(self.process.pid).children(recursive=True)
        return self._seen

    def wait_for_the_end(self) -> int:
        """Wait until the command and all its processes are gone. Returns its exit code."""
        assert self.process is not None
        assert self._seen, "nothing to wait for"
        code = self.process.wait(60)
        self.wait_for(lambda: not any(map(is_alive, self._seen)), "all children to end", seconds=30)
        return code

    def wait_for(self, look: Callable[[], object], what: str, *, seconds: float = 120) -> None:
        deadline = time.monotonic() + seconds
        while not look():
            assert time.monotonic() < deadline, f"waited {seconds} s for {what}\n{self.log()}"
            time.sleep(0.1)

    def log(self) -> str:
        return (self.directory / "up.log").read_text(errors="replace")[-4000:]

    def kill_all(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.children()
            self.process.kill()
            self.process.wait()
        for child in filter(is_alive, self._seen):
            child.kill()


def is_alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.fixture
def first_up(tmp_path: Path) -> Iterator[Up]:
    """A system that has never run."""
    command = Up(tmp_path)
    yield command
    command.kill_all()


@pytest.fixture
def up(first_up: Up) -> Up:
    """A system whose tables exist: making them costs more than what most of these tests look at."""
    shutil.copy(migrated_sqlite(SHARED_DIRECTORY), first_up.directory)
    return first_up


@pytest.mark.processes
def test_up_ends_everything_and_a_restart_finds_all_data(up: Up) -> None:
    up.start()
    event = {"type": "page_view", "conference_id": "test", "page": "/"}
    answer = httpx.post(f"{up.url}/api/analytics/events", json={"events": [event]}, timeout=20)
    assert answer.status_code == 202
    commands = " ".join(" ".join(child.cmdline()) for child in up.children())
    for part in ("valkey", "uvicorn", "analytics.events", "analytics.daily", "beat"):
        assert part in commands

    # Ctrl-C: the terminal sends SIGINT to the whole foreground group.
    assert up.process is not None
    os.killpg(up.process.pid, signal.SIGINT)
    assert up.wait_for_the_end() in (0, 130, -signal.SIGINT)
    assert "Traceback" not in up.log()

    # A second start finds the event, in the store or still in the stream; then a child dies.
    up.start()

    def stored() -> int:
        with sqlite3.connect(f"file:{up.directory}/meeteasy.sqlite3?mode=ro", uri=True) as connection:
            (count,) = connection.execute("SELECT count(*) FROM analytics_event").fetchone()
        return int(count)

    up.wait_for(lambda: stored() == 1, "the event to be stored")
    beat = next(child for child in up.children() if "beat" in child.cmdline())
    beat.kill()
    assert up.wait_for_the_end() != 0, "a supervisor of ours must see that this was no clean end"


@pytest.mark.processes
def test_a_folder_has_one_system_that_notices_killed_servers(first_up: Up) -> None:
    up = first_up
    up.start(["bash", "-c", f"ulimit -Sn 256 && exec {shlex.join(MANAGE_UP)}"])
    assert up.process is not None
    limits = {child.rlimit(psutil.RLIMIT_NOFILE)[0] for child in up.children()}
    assert min(limits) > 256, "each connection is an open file"
    again = subprocess.run(
        MANAGE_UP,
        cwd=ROOT, env={**up.environment, "PORT": str(free_port()), "VALKEY_PORT": str(free_port())},
        capture_output=True, check=False, timeout=60,
    )  # fmt: skip
    assert again.returncode == 1
    assert f"{up.directory} is in use by another MeetEasy (process {up.process.pid})" in again.stderr.decode()
    assert httpx.get(f"{up.url}/readyz", timeout=20).status_code == 200

    # The test's own log was there before, and stays the test's.
    files = [path for path in up.directory.rglob("*") if path.is_file() and path.name != "up.log"]
    assert len(files) > 5
    assert not [path for path in files if path.stat().st_mode & 0o077]

    web = [child for child in up.children() if "uvicorn" in child.cmdline()]
    next(child for child in web if child.children()).kill()
    assert up.wait_for_the_end() != 0
    with pytest.raises(httpx.TransportError):
        httpx.get(f"{up.url}/healthz", timeout=5)


@pytest.mark.processes
def test_ctrl_c_ends_everything_even_through_a_pipe(up: Up) -> None:
    """At Ctrl-C `tee` ends at once, so later output has no reader."""
    up.start(["bash", "-c", f"{shlex.join(MANAGE_UP)} 2>&1 | tee {up.directory}/tee.log"])
    assert up.process is not None
    assert len(up.children()) > 10
    os.killpg(up.process.pid, signal.SIGINT)
    up.wait_for_the_end()


@pytest.fixture
def on_small_disk(tmp_path: Path) -> Iterator[Up]:
    """A system with DATA_DIR on a disk of 60 MB, which only root can make."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("a disk that can be filled needs root on Linux")
    disk = tmp_path / "disk"
    disk.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=60m", "tmpfs", str(disk)], check=False)
    if made.returncode != 0:
        pytest.skip("this machine mounts no tmpfs")
    command = Up(disk)
    yield command
    command.kill_all()
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


@pytest.mark.processes
@pytest.mark.faults
def test_a_full_disk_ends_nothing_and_loses_no_event(on_small_disk: Up) -> None:
    up = on_small_disk

    def post(number: int) -> int:
        event = {"type": "page_view", "conference_id": "test", "page": "/", "event_id": f"event-{number}"}
        return httpx.post(f"{up.url}/api/analytics/events", json={"events": [event]}, timeout=20).status_code

    def stored() -> int:
        with sqlite3.connect(f"file:{up.directory}/meeteasy.sqlite3?mode=ro", uri=True) as connection:
            (count,) = connection.execute("SELECT count(*) FROM analytics_event").fetchone()
        return int(count)

    up.start()
    before = {child.pid for child in up.children()}
    accepted = {number for number in range(20) if post(number) == 202}
    filler = up.directory / "fill"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(b"x" * 65536):
            continue
    end = time.monotonic() + 25
    statuses = set()
    number = 20
    while time.monotonic() < end:
        number += 1
        status = post(number)
        statuses.add(status)
        if status == 202:
            accepted.add(number)
        time.sleep(0.2)
    assert 503 in statuses <= {202, 503}
    ready = httpx.get(f"{up.url}/readyz", timeout=20)
    assert (ready.status_code, ready.json()["checks"]["disk"]) == (503, "full")
    assert up.process is not None
    assert up.process.poll() is None
    filler.unlink()
    up.wait_for(lambda: post(1000) == 202, "events to be taken again")
    accepted.add(1000)
    up.wait_for(lambda: stored() == len(accepted), "all that was accepted, once")
    # The processes of the Procfile are the same ones; workers restarted within theirs.
    assert len(before & {child.pid for child in up.children()}) > 10


@pytest.fixture
def up_without_dotenv(tmp_path: Path) -> Iterator[Up]:
    """A system in a copy of the project's folder without this machine's `.env`."""
    folder, data = tmp_path / "project", tmp_path / "data"
    folder.mkdir()
    data.mkdir()
    for path in ROOT.iterdir():
        if path.name != ".env":
            (folder / path.name).symlink_to(path)
    command = Up(data, folder)
    yield command
    command.kill_all()


@pytest.mark.processes
def test_the_readme_works_within_two_minutes(up_without_dotenv: Up) -> None:
    up = up_without_dotenv
    # The packages, which may take a while to install.
    subprocess.run(["bin/setup", "requirements.txt"], cwd=up.folder, check=True)
    with at_most(120, lambda: f"not done after 120 s\n{up.log()}"):
        up.start(BIN_RUN)
        create_token, *curls = commands_of_the_readme()
        assert create_token[0] == "bin/manage"
        printed = subprocess.run(
            create_token, cwd=up.folder, env=up.environment, capture_output=True, check=True
        ).stdout
        token = printed.decode().split()[2]
        post, get = [as_request(curl, up.url, token) for curl in curls]

        assert httpx.Client().send(post).json() == {"accepted": 1, "rejected": []}

        def summary() -> dict[str, object] | None:
            return next(iter(httpx.Client().send(get).json()["results"]), None)

        up.wait_for(summary, "the day's summary", seconds=60)
        found = summary()
        assert found is not None
        assert (found["pv"], found["uv"]) == (1, 1)

        up.children()
        assert up.process is not None
        up.process.terminate()
        assert up.wait_for_the_end() == 128 + signal.SIGTERM


def commands_of_the_readme() -> list[list[str]]:
    """Return the words of `bin/manage …` and of each `curl …`, as a shell would read them."""
    text = (ROOT / "README.md").read_text(encoding="utf-8").replace("\\\n", "")
    lines = [shlex.split(line, comments=True) for line in re.findall("^(?:curl|bin/manage) .*", text, re.M)]
    return sorted(lines, key=lambda words: words[0])


def as_request(curl: list[str], url: str, token: str) -> httpx.Request:
    """Return the request that this command makes, without using curl itself."""
    arguments = iter(curl[1:])
    method, headers, body, address = "GET", {}, None, ""
    for argument in arguments:
        if argument == "-X":
            method = next(arguments)
        elif argument == "-H":
            name, _, value = next(arguments).partition(": ")
            headers[name] = value.replace("…", token)
        elif argument == "-d":
            body = next(arguments)
        else:
            address = argument.replace("http://localhost:8000", url)
    assert address.startswith(url)
    return httpx.Request(method, address, headers=headers, content=body)


@pytest.mark.processes
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent ended")
def test_a_killed_supervisor_takes_everything_with_it(up: Up) -> None:
    up.start()
    assert any("valkey" in " ".join(child.cmdline()) for child in up.children())
    assert up.process is not None
    up.process.kill()
    assert up.wait_for_the_end() == -signal.SIGKILL


@pytest.mark.parametrize(
    ("command", "seconds"),
    [
        ("python manage.py worker analytics.daily", 610),
        ("python manage.py worker analytics.events notifications.sms --concurrency 4", 130),
        ("python manage.py web", 60),
    ],
)
def test_a_stop_waits_as_long_as_workers_need(command: str, seconds: int) -> None:
    assert stop_seconds(command) == seconds


@pytest.mark.processes
@pytest.mark.faults
def test_a_second_ctrl_c_ends_everything_at_once(up: Up) -> None:
    up.start()
    worker = next(child for child in up.children() if "analytics.daily" in child.cmdline())
    worker.suspend()  # it does not even hear that it should end
    assert up.process is not None
    os.kill(up.process.pid, signal.SIGINT)
    up.wait_for(lambda: up.log().count("stopped (rc=") >= 6, "all the others to end")
    assert is_alive(worker)
    assert up.process.poll() is None
    os.kill(up.process.pid, signal.SIGINT)
    up.wait_for_the_end()
    assert "killing daily" in up.log()


def test_about_a_line_a_second_is_printed_and_no_warning_is_left_out() -> None:
    calm = Calm(burst=5)
    info, now = "level=info logger=x event=events_stored", 1000.0
    assert sum(calm.passes(info, now=now) for _ in range(100)) == 5
    assert all(calm.passes(line, now=now) for line in ("level=warning event=x", "Traceback", "stopping"))
    assert calm.take_left_out() == 0, "it waits for a line that passes"
    assert sum(calm.passes(info, now=now + eighths / 8) for eighths in range(81)) == 10
    assert calm.passes(info, now=now + 60)
    assert calm.take_left_out() == 95 + 71
    assert calm.take_left_out() == 0
