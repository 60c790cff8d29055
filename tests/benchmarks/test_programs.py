"""The benchmark programs still run: each once, tiny. What they measure then means nothing."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conversion.conftest import needs_libreoffice, needs_sandbox
from tests.support.system import ROOT


@pytest.mark.processes
@pytest.mark.parametrize(
    ("program", "needs"),
    [
        ("ingest", "faststream"),
        ("storing", "faststream"),
        ("whole_way", "gunicorn"),
        pytest.param("aggregate", "duckdb", marks=pytest.mark.faults),
        pytest.param("history", None, marks=pytest.mark.faults),
        ("sharing", None),
        pytest.param("summary", "duckdb", marks=pytest.mark.faults),
        ("live", None),
        ("registering", None),
        ("door", None),
        pytest.param("reports", None, marks=pytest.mark.faults),
        ("rush", "gunicorn"),
        ("pages", None),
        pytest.param("console", None, marks=pytest.mark.faults),
        pytest.param("convert", "docx", marks=[needs_sandbox, needs_libreoffice, pytest.mark.faults]),
    ],
)
def test_a_benchmark_runs_and_says_what_it_measured_where(
    program: str, needs: str | None, tmp_path: Path
) -> None:
    if needs is not None:
        pytest.importorskip(needs, reason=f"{needs} is not installed: see benchmarks/requirements.txt")
    output = tmp_path / "result.json"
    environment = {name: value for name, value in os.environ.items() if name != "DATA_DIR"}
    environment["PYTHONPATH"] = str(ROOT)  # as programs of benchmarks have it, so that these can be forks
    result = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{program}", "--smoke", "--output", str(output)],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stdout[-2000:] + result.stderr[-3000:]

    report = json.loads(output.read_text())
    assert report["program"] == program
    assert report["commit"]
    assert report["machine"]["cores"] == os.cpu_count()
    assert report["targets"]
    assert all(target["value"] > 0 for target in report["targets"])
    assert str(ROOT) not in output.read_text()
