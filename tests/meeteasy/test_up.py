"""`manage.py up`, which bin/run calls: one command, all processes, one end."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from tests.services import free_port
from tests.system import ROOT


class Up:
    """The command in a process group of its own, as a terminal starts it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.url = ""
        self.process: subprocess.Popen[bytes] | None = None
        self._seen: list[psutil.Process] = []

    def start(self) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        environment = {**os.environ, "DATA_DIR": str(self.directory), "PORT": str(port),
                       "VALKEY_PORT": str(free_port()), "WEB_PROCESSES": "1"}  # fmt: skip
        with open(self.directory / "up.log", "ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "up"],
                cwd=ROOT, env=environment, stdout=log, stderr=log, start_new_session=True,
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
        """Until the command and all that it had started are gone; returns its exit code."""
        assert self.process is not None
        code = self.process.wait(60)
        self.wait_for(lambda: not any(child.is_running() for child in self._seen), "all children to end")
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
            for process in [*self.children(), self.process]:
                process.kill()
            self.process.wait()


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Up]:
    command = Up(tmp_path)
    yield command
    command.kill_all()


@pytest.mark.processes
def test_up_runs_all_ends_all_and_finds_everything_again(up: Up) -> None:
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
