"""An empty machine, from a fresh clone to a restore: the commands of the units as written, nginx before two
web servers, PostgreSQL and Valkey; a backup under load, everything wiped, restored, and recounted.

The environment has nothing but what deploy/systemd/environment.example sets. Python's packages are this
machine's: bin/run installs them, and its own tests see to that.
"""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.deploy.test_nginx import NAME, NGINX, Proxy
from tests.deploy.test_systemd import Unit
from tests.support.clients import PostingClients, make_event
from tests.support.counted import recount, wait_until_all_are_counted
from tests.support.services import PostgresqlServer, free_port
from tests.support.system import ROOT, System

pytestmark = [pytest.mark.processes, pytest.mark.postgresql, pytest.mark.faults]

UNITS = ["beat", "worker@analytics.events", "worker@analytics.daily", "worker@notifications.email"]
KEY = "only-for-tests-but-long-enough-for-https"


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh clone of what is committed."""
    folder = tmp_path_factory.mktemp("opt") / "meeteasy"
    subprocess.run(["git", "clone", "--quiet", "--no-local", ROOT, folder], check=True, capture_output=True)
    (folder / ".venv").symlink_to((ROOT / ".venv").resolve())
    return folder


class Machine:
    """A machine whose disk has the clone, an empty state, and an empty database and Valkey of its own.

    `system` has its addresses; none of its processes is one of System's.
    """

    def __init__(self, directory: Path, clone: Path, database_url: str, closing: ExitStack) -> None:
        self._clone, self._closing = clone, closing
        self.state = directory / "state"
        self.state.mkdir()
        directory.chmod(0o755)
        (directory / "credentials").mkdir()
        (directory / "credentials" / "secret_key").write_text(KEY)
        self.system = System(self.state)
        self.system.skip_preparing()
        self.system.valkey.start()
        closing.callback(self.system.stop)
        self._environment = {
            "ALLOWED_HOSTS": f"{NAME},127.0.0.1", "PUBLIC_URL": f"https://{NAME}",
            "CSRF_TRUSTED_ORIGINS": f"https://{NAME}", "HTTPS_ONLY": "true", "TRUSTED_PROXIES": "127.0.0.1",
            "WEB_PROCESSES": "1", "DATABASE_URL": database_url, "REDIS_URL": self.system.valkey.url,
            "EMAIL_URL": "smtp://127.0.0.1:9", "LOG_FORMAT": "json",
            # All clients here have one address.
            "INGEST_RATE_PER_SECOND": "0", "INGEST_EVENTS_PER_SECOND": "0",
            "REPORTS_PER_CLIENT_HOUR": "0", "REPORTS_PER_CONFERENCE_HOUR": "0",
        }  # fmt: skip
        self.system.environment |= {**self._environment, "SECRET_KEY": KEY}

    def manage(self, *arguments: str) -> str:
        """Run a command as an operator does, in the clone."""
        environment = {**self._environment, "DATA_DIR": str(self.state), "SECRET_KEY": KEY}
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=self._clone, env={"PATH": "/usr/bin:/bin", **environment}, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout

    def prepare(self) -> None:
        unit = self._start("prepare")
        assert unit.process.wait(300) == 0, unit.log.read_text()[-3000:]

    def serve(self, directory: Path) -> Proxy:
        """Start the units, the web server twice, and nginx. Returns when all are ready."""
        ports = [free_port(), free_port()]
        units = [self._start("web", PORT=str(port)) for port in ports]
        units += [self._start(name) for name in UNITS]
        for unit in units:
            unit.wait_for("READY=1", seconds=300)
        proxy = Proxy(directory, ports)
        self._closing.callback(proxy.stop)
        client = proxy.client()
        self._closing.callback(client.close)
        self.system.http.close()
        self.system.http = client
        return proxy

    def _start(self, name: str, **environment: str) -> Unit:
        number = len(list(self.state.parent.glob("*.log")))
        unit = Unit(
            f"meeteasy-{name}.service", state=self.state, program=self._clone, watchdog_seconds=60,
            environment={**self._environment, **environment}, log_name=f"{number}-{name}",
        )  # fmt: skip
        self._closing.callback(unit.end)
        return unit


@pytest.fixture
def closing() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def test_what_was_accepted_is_there_after_backup_wipe_and_restore(
    tmp_path: Path, clone: Path, postgresql: PostgresqlServer, closing: ExitStack
) -> None:
    if NGINX is None or shutil.which("bwrap") is None:
        pytest.skip("nginx or bubblewrap is not installed (bin/test installs them as root on Debian)")
    for name in ("first", "second", "proxy-1", "proxy-2", "backups"):
        (tmp_path / name).mkdir()
    tmp_path.chmod(0o755)
    with ExitStack() as running:
        machine = Machine(tmp_path / "first", clone, postgresql.create_database("first"), running)
        machine.prepare()
        machine.manage(
            "shell", "--no-imports", "-c",
            "from meeteasy.management.commands.up import create_organizer; create_organizer()",
        )  # fmt: skip
        proxy = machine.serve(tmp_path / "proxy-1")
        with PostingClients(proxy.url, threads=2, host=NAME, pause_seconds=0.05) as clients:
            clients.wait_for_batches(40, seconds=180)
            before = set(clients.ids)
            folder = Path(machine.manage("backup", str(tmp_path / "backups")).partition(": ")[0])
            clients.wait_for_batches(20, seconds=180)
        wait_until_all_are_counted(machine.system, clients.ids, seconds=180)
    # The machine is gone, with its database, its Valkey and its files.
    shutil.rmtree(tmp_path / "first")

    machine = Machine(tmp_path / "second", clone, postgresql.create_database("second"), closing)
    machine.manage("restore", str(folder))
    proxy = machine.serve(tmp_path / "proxy-2")
    machine.system.wait_for(
        lambda: machine.system.redis().xlen("stream:analytics.events") == 0, "what waited", seconds=120
    )
    restored = recount(machine.system)["ids"]
    assert len(restored) == len(set(restored))
    assert before <= set(restored) <= clients.ids
    # What came after the backup is lost here, and clients send it again; here they send everything.
    with proxy.client() as client:
        ids = sorted(clients.ids)
        for start in range(0, len(ids), 100):
            batch = [make_event(event_id) for event_id in ids[start : start + 100]]
            assert client.post("/api/analytics/events", json={"events": batch}).status_code == 202
    wait_until_all_are_counted(machine.system, clients.ids, seconds=180)
    print(f"{len(before)} accepted before the backup, {len(restored)} restored, {len(clients.ids)} in all")  # noqa: T201
