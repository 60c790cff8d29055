"""The units of deploy/systemd: systemd's own checks, and their commands as written, with its watchdog."""

import os
import re
import shlex
import shutil
import socket
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import psutil
import pytest
from celery import Celery

from meeteasy.core.queues import WORKER_OPTIONS, Queue
from tests.support.services import ValkeyServer, free_port
from tests.support.system import ROOT

UNITS = ROOT / "deploy" / "systemd"
WORKERS = [f"meeteasy-worker@{queue}.service" for queue in Queue]
SERVICES = ["meeteasy-prepare.service", "meeteasy-web.service", "meeteasy-beat.service", *WORKERS]
CONVERT = f"meeteasy-worker@{Queue.FILES_CONVERT}.service"

needs_analyze = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed"
)


def file_of(unit: str) -> Path:
    return UNITS / re.sub(r"@[^@]+\.service$", "@.service", unit)


def values_of(unit: str, key: str) -> list[str]:
    text = re.sub(r"\\\n", " ", file_of(unit).read_text(encoding="utf-8"))
    instance = unit.partition("@")[2].removesuffix(".service")
    return [value.replace("%i", instance) for value in re.findall(rf"^{key}=(.*)$", text, re.M)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """All units in one folder, the instances of the template too; /opt/meeteasy is this project."""
    for path in UNITS.iterdir():
        (shutil.copytree if path.is_dir() else shutil.copy)(path, tmp_path / path.name)
    for unit in SERVICES:
        text = file_of(unit).read_text(encoding="utf-8")
        (tmp_path / unit).write_text(text.replace("/opt/meeteasy", str(ROOT)), encoding="utf-8")
    return tmp_path


def analyze(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["systemd-analyze", *arguments],
        env={**os.environ, "SYSTEMD_UNIT_PATH": f"{folder}:"}, capture_output=True, text=True, check=False,
    )  # fmt: skip


@needs_analyze
def test_systemd_finds_no_fault_in_the_units(folder: Path) -> None:
    units = [str(folder / name) for name in [*SERVICES, "meeteasy.target"]]
    found = analyze(folder, "verify", "--man=no", *units)
    assert (found.returncode, found.stderr) == (0, "")

    (folder / SERVICES[0]).write_text("[Service]\nExecStart=/no/such/program\n")
    assert analyze(folder, "verify", "--man=no", str(folder / SERVICES[0])).returncode != 0, "the control"


@needs_analyze
@pytest.mark.parametrize("unit", [unit for unit in SERVICES if unit != CONVERT])
def test_a_unit_is_exposed_by_two_at_most(folder: Path, unit: str) -> None:
    found = analyze(folder, "security", "--offline=true", "--threshold=20", "--no-pager", str(folder / unit))
    assert found.returncode == 0, found.stdout[-200:]


@needs_analyze
def test_the_convert_unit_is_opened_for_bubblewrap_alone(folder: Path) -> None:
    found = analyze(folder, "security", "--offline=true", "--no-pager", str(folder / CONVERT))
    (exposure,) = re.findall(r"exposure level for .*: ([\d.]+)", found.stdout)
    assert 2 < float(exposure) < 4, "its drop-in counts, and the rest of the template, too"


def test_a_stop_waits_for_the_longest_task() -> None:
    (seconds,) = values_of(WORKERS[0], "TimeoutStopSec")
    assert int(seconds) > max(options.time_limit_seconds for options in WORKER_OPTIONS.values())


def test_the_example_of_variables_has_settings_only() -> None:
    text = (UNITS / "environment.example").read_text(encoding="utf-8")
    described = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    names = re.findall(r"^(?:# )?([A-Z_]+)=", text, re.M)
    assert len(names) > 8
    assert [name for name in names if f"`{name}`" not in described] == []


class Unit:
    """A unit's ExecStart as written, in its WorkingDirectory and with its variables; /opt/meeteasy is
    `program` and /var/lib/meeteasy `state`, by a mount that only this process sees.

    log_name: of its log beside `state`, if the unit runs twice.
    """

    def __init__(
        self, unit: str, *, state: Path, environment: dict[str, str], watchdog_seconds: int,
        program: Path = ROOT, log_name: str = "",
    ) -> None:  # fmt: skip
        self.messages: Counter[str] = Counter()
        # Such an address has at most 107 bytes, and pytest's folders have long names.
        self._address = Path(tempfile.mkdtemp(prefix="notify-")) / "socket"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(self._address))
        self._socket.setblocking(False)
        (command,) = values_of(unit, "ExecStart")
        (working_directory,) = values_of(unit, "WorkingDirectory")
        own = dict(value.split("=", 1) for value in values_of(unit, "Environment"))
        own["SECRET_KEY_FILE"] = own["SECRET_KEY_FILE"].replace("%d", str(state.parent / "credentials"))
        self.log = state.parent / f"{log_name or unit}.log"
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                ["bwrap", "--die-with-parent", "--dev-bind", "/", "/", "--tmpfs", "/opt",
                 "--ro-bind", str(program), "/opt/meeteasy",
                 "--tmpfs", "/var/lib", "--bind", str(state), "/var/lib/meeteasy",
                 "--chdir", working_directory, *shlex.split(command)],
                env={"PATH": os.environ["PATH"], "TESTS_DIRECTORY": os.environ["TESTS_DIRECTORY"],
                     **environment, **own, "NOTIFY_SOCKET": str(self._address),
                     "WATCHDOG_USEC": str(watchdog_seconds * 1_000_000)},
                stdout=log, stderr=log,
            )  # fmt: skip

    def hear(self) -> Counter[str]:
        """All that it has told systemd by now."""
        while True:
            try:
                self.messages[self._socket.recv(4096).decode()] += 1
            except BlockingIOError:
                return self.messages

    def wait_for(self, message: str, *, times: int = 1, seconds: float = 90) -> None:
        """Wait until it has told systemd this so many times."""
        deadline = time.monotonic() + seconds
        while self.hear()[message] < times:
            assert self.process.poll() is None, self.log.read_text()[-2000:]
            assert time.monotonic() < deadline, f"no {message}\n{self.log.read_text()[-2000:]}"
            time.sleep(0.1)

    def end(self) -> None:
        if self.process.poll() is None:
            parent = psutil.Process(self.process.pid)
            for process in [parent, *parent.children(recursive=True)]:
                with suppress(psutil.NoSuchProcess):
                    process.kill()
            self.process.wait()
        self._socket.close()
        shutil.rmtree(self._address.parent)


@pytest.fixture
def valkey_of_units(tmp_path: Path) -> Iterator[ValkeyServer]:
    server = ValkeyServer(port=free_port(), directory=tmp_path / "valkey")
    server.start()
    yield server
    server.stop()


@pytest.mark.processes
def test_the_commands_of_the_units_make_a_system(tmp_path: Path, valkey_of_units: ValkeyServer) -> None:
    if shutil.which("bwrap") is None:
        pytest.skip("bubblewrap is not installed")
    state, port = tmp_path / "state", free_port()
    state.mkdir()
    (tmp_path / "credentials").mkdir()
    (tmp_path / "credentials" / "secret_key").write_text("only-for-tests")
    environment = {"REDIS_URL": valkey_of_units.url, "PORT": str(port), "WEB_PROCESSES": "1"}

    def start(unit: str) -> Unit:
        return Unit(unit, state=state, environment=environment, watchdog_seconds=8)

    prepare = start("meeteasy-prepare.service")
    assert prepare.process.wait(180) == 0, prepare.log.read_text()
    units = {
        name: start(f"meeteasy-{name}.service")
        for name in ("web", "beat", "worker@analytics.events", "worker@analytics.daily")
    }
    try:
        for unit in units.values():
            unit.wait_for("READY=1")
            unit.wait_for("WATCHDOG=1", times=2)
        event = {"type": "page_view", "conference_id": "test", "page": "/"}
        answer = httpx.post(f"http://127.0.0.1:{port}/api/analytics/events", json={"events": [event]})
        assert answer.status_code == 202
        deadline = time.monotonic() + 60
        while "events_stored" not in units["worker@analytics.events"].log.read_text():
            assert time.monotonic() < deadline
            time.sleep(0.1)

        # Connected, but it takes nothing: systemd would start it again.
        app = Celery(broker=valkey_of_units.url, set_as_current=False)
        app.control.cancel_consumer(str(Queue.ANALYTICS_DAILY))
        daily = units["worker@analytics.daily"]
        deadline = time.monotonic() + 60
        while "worker_takes_nothing" not in daily.log.read_text():
            assert time.monotonic() < deadline, daily.log.read_text()[-2000:]
            time.sleep(0.5)
        fed = daily.hear()["WATCHDOG=1"]
        time.sleep(8)  # the watchdog's time
        assert daily.hear()["WATCHDOG=1"] == fed
        events = units["worker@analytics.events"]
        events.wait_for("WATCHDOG=1", times=events.hear()["WATCHDOG=1"] + 1)
    finally:
        for unit in units.values():
            unit.end()
