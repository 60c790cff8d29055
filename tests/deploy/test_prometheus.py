"""Alarms and dashboard: checked by promtool, and each query asked of a real Prometheus that scrapes us."""

import json
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.services import free_port
from tests.support.system import ROOT, System

RULES = ROOT / "deploy" / "prometheus"
DASHBOARD = ROOT / "deploy" / "grafana" / "meeteasy.json"
# Empty as long as all goes well.
QUIET = ("meeteasy_task_failures_total",)

needs_prometheus = pytest.mark.skipif(
    shutil.which("promtool") is None,
    reason="Prometheus is not installed (bin/test installs it as root on Debian)",
)


def read_alarms() -> dict[str, str]:
    """The expression of each alarm by its name."""
    text = (RULES / "alerts.yml").read_text(encoding="utf-8")
    found = re.findall(r"- alert: (\w+)\n +expr: (.*)\n", text)
    return {name: expression.strip("'") for name, expression in found}


def read_queries() -> dict[str, str]:
    """The dashboard's queries by panel and letter."""
    panels = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
    return {
        f"{panel['title']} {target['refId']}": target["expr"]
        for panel in panels for target in panel["targets"]
    }  # fmt: skip


def promtool(*arguments: str, folder: Path = RULES) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["promtool", *arguments], cwd=folder, capture_output=True, text=True, check=False, timeout=300
    )


@needs_prometheus
def test_each_alarm_goes_off_when_it_should(tmp_path: Path) -> None:
    checked = promtool("check", "rules", "alerts.yml")
    assert checked.returncode == 0, checked.stderr
    assert f"{len(read_alarms())} rules found" in checked.stdout
    tested = promtool("test", "rules", "tests.yml")
    assert tested.returncode == 0, tested.stdout + tested.stderr
    text = (RULES / "tests.yml").read_text(encoding="utf-8")
    assert set(re.findall(r"alertname: (\w+)", text)) == set(read_alarms())

    # The control: another limit fails its test.
    for path in RULES.iterdir():
        shutil.copy(path, tmp_path)
    changed = (
        (RULES / "alerts.yml").read_text(encoding="utf-8").replace("dead_letters > 0", "dead_letters > 9")
    )
    (tmp_path / "alerts.yml").write_text(changed, encoding="utf-8")
    assert promtool("test", "rules", "tests.yml", folder=tmp_path).returncode != 0


@needs_prometheus
def test_the_example_of_a_configuration_is_valid(tmp_path: Path) -> None:
    for path in RULES.iterdir():
        shutil.copy(path, tmp_path)
    (tmp_path / "token").write_text("secret")
    text = (tmp_path / "prometheus.yml").read_text(encoding="utf-8")
    (tmp_path / "prometheus.yml").write_text(text.replace("/etc/prometheus/meeteasy_metrics_token", "token"))
    checked = promtool("check", "config", "prometheus.yml", folder=tmp_path)
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A function that asks a Prometheus that has scraped a busy system a few times."""
    if shutil.which("prometheus") is None:
        pytest.skip("Prometheus is not installed")
    directory = tmp_path_factory.mktemp("prometheus")
    system = System(directory)
    system.start("web", "events", "daily", "email", "sms", "files", "beat")
    port = free_port()
    (directory / "prometheus.yml").write_text(
        "global: {scrape_interval: 1s}\nscrape_configs:\n  - job_name: meeteasy\n"
        f"    static_configs: [{{targets: ['127.0.0.1:{system.port}']}}]\n"
    )
    with open(directory / "prometheus.log", "wb") as log:
        server = subprocess.Popen(
            ["prometheus", f"--config.file={directory}/prometheus.yml",
             f"--storage.tsdb.path={directory}/tsdb", f"--web.listen-address=127.0.0.1:{port}"],
            stdout=log, stderr=log,
        )  # fmt: skip

    def ask(query: str) -> list[dict[str, Any]]:
        answer = httpx.get(f"http://127.0.0.1:{port}/api/v1/query", params={"query": query}, timeout=10)
        assert answer.status_code == 200, answer.text
        result: list[dict[str, Any]] = answer.json()["data"]["result"]
        return result

    def has_scraped() -> bool:
        system.post([{"type": "page_view", "conference_id": "test", "page": "/"}, {"type": "nonsense"}])
        try:
            if httpx.get(f"http://127.0.0.1:{port}/-/ready", timeout=10).status_code != 200:
                return False
        except httpx.TransportError:
            return False
        rate = ask("rate(meeteasy_task_runs_total[2m])")
        ages = ask("meeteasy_queue_heartbeat_age_seconds")
        return len(rate) >= 3 and len(ages) >= 4 and bool(ask("meeteasy_beat_last_tick_age_seconds"))

    system.wait_for(has_scraped, "Prometheus to have scraped", seconds=120, every=1)
    yield ask
    server.terminate()
    server.wait(20)
    system.stop()


@pytest.mark.processes
def test_each_query_of_the_dashboard_has_an_answer(prometheus: Any) -> None:
    queries = read_queries()
    assert len(queries) > 20
    queries = {name: query for name, query in queries.items() if not any(part in query for part in QUIET)}
    deadline = time.monotonic() + 60  # a rate needs two scrapes, and some figures come late
    while queries and time.monotonic() < deadline:
        queries = {name: query for name, query in queries.items() if not prometheus(query)}
        time.sleep(0.5)
    assert queries == {}, "without an answer"
    assert prometheus("meeteasy_nothing_of_this_name") == [], "the control"


@pytest.mark.processes
def test_no_alarm_goes_off_in_a_healthy_system(prometheus: Any) -> None:
    time.sleep(1)
    firing = {name: prometheus(expression) for name, expression in read_alarms().items()}
    assert {name: found for name, found in firing.items() if found} == {}


def test_each_alarms_metric_is_in_the_operations_table() -> None:
    text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    _, _, table = text.partition("| metric (`meeteasy_…`)")
    known = set(re.findall(r"`(\w+)", table.partition("\n\n")[0]))
    named = {name for text in read_alarms().values() for name in re.findall(r"meeteasy_(\w+)", text)}
    assert named <= known
    assert len(read_alarms()) > 12
