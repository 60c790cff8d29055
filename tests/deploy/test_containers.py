"""Containerfile and compose.yaml, checked without running them: no machine of ours runs containers."""

import re
import subprocess
import sys
from typing import Any

import pytest
from ruamel.yaml import YAML

from meeteasy.core.queues import WORKER_OPTIONS, Queue
from tests.support.system import ROOT


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return dict(YAML(typ="safe").load((ROOT / "compose.yaml").read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def stages() -> dict[str, str]:
    """The text of each named stage of the Containerfile."""
    text = (ROOT / "Containerfile").read_text(encoding="utf-8")
    parts = re.split(r"^FROM (?:\S+) AS (\w+)$", text, flags=re.M)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def check_schema(path: str) -> int:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", path]
    return subprocess.run(command, capture_output=True, check=False).returncode


def test_compose_follows_the_specification(tmp_path: Any) -> None:
    assert check_schema(str(ROOT / "compose.yaml")) == 0
    (tmp_path / "compose.yaml").write_text("services: {web: {imaginary: true}}")
    assert check_schema(str(tmp_path / "compose.yaml")) != 0, "the control"


def test_each_queues_worker_may_finish_its_task(compose: dict[str, Any]) -> None:
    workers = {}
    for service in compose["services"].values():
        command = service.get("command") or []
        if "worker" in command:
            workers[command[command.index("worker") + 1]] = service
    assert set(workers) == {str(queue) for queue in Queue}
    for queue, service in workers.items():
        seconds = int(service["stop_grace_period"].removesuffix("s"))
        assert seconds > WORKER_OPTIONS[Queue(queue)].time_limit_seconds, queue


def test_everything_that_is_named_is_there(compose: dict[str, Any]) -> None:
    services = compose["services"]
    for name, service in services.items():
        for other in service.get("depends_on", ()):
            assert other in services, name
        for secret in service.get("secrets", ()):
            assert secret in compose["secrets"], name
        for volume in service.get("volumes", ()):
            source = volume.partition(":")[0]
            is_made_by_the_operator = source.startswith("./secrets/")
            assert is_made_by_the_operator or source in compose["volumes"] or (ROOT / source).exists(), name
    assert {"web1", "web2", "proxy", "beat", "mongo1", "postgresql", "valkey"} <= set(services)


def test_our_containers_may_do_nothing_beyond_their_work(compose: dict[str, Any]) -> None:
    ours = [service for service in compose["services"].values() if service.get("build")]
    assert len(ours) == 3 + 7
    for service in ours:
        assert service["cap_drop"] == ["ALL"]
        assert service["read_only"] is True
        assert "no-new-privileges:true" in service["security_opt"]


def test_images_run_as_a_user_without_rights(stages: dict[str, str]) -> None:
    for name in ("base", "convert"):
        assert re.findall(r"^USER (\w+)$", stages[name], re.M)[-1] == "meeteasy"


def test_only_the_convert_image_has_libreoffice_and_fonts(stages: dict[str, str]) -> None:
    assert "libreoffice" in stages["convert"]
    assert "fonts-" in stages["convert"]
    assert not [name for name in ("build", "base") if re.search("libreoffice|fonts-|apt-get", stages[name])]


def test_images_have_the_locked_packages_and_no_data(stages: dict[str, str]) -> None:
    assert "--require-hashes -r requirements.txt" in stages["build"]
    sources = re.findall(r"^COPY (?!--from)(\S+) ", "".join(stages.values()), re.M)
    assert sources
    assert all((ROOT / source).exists() for source in sources)
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    assert {"var", ".venv", ".git", ".env"} <= set(ignored)
