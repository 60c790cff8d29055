"""`.ci/audit.py`: advisories with a fix fail, and a network that is away fails nothing."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.system import ROOT

CLEAN: dict[str, Any] = {"dependencies": [{"name": "a", "version": "1", "vulns": []}]}


def advisory(*fixes: str) -> dict[str, Any]:
    return {
        "dependencies": [
            {"name": "b", "version": "2", "vulns": [{"id": "CVE-1", "fix_versions": list(fixes)}]}
        ]
    }


@pytest.fixture
def audit(tmp_path: Path) -> Any:
    """Run it with programs that print and end as told; the real ones are not on its PATH."""

    def run(pip_audit: Any, npm: Any) -> "subprocess.CompletedProcess[str]":
        for name, printed in (("pip-audit", pip_audit), ("npm", npm)):
            (tmp_path / f"{name}.out").write_text(
                printed if isinstance(printed, str) else json.dumps(printed)
            )
            program = tmp_path / name
            program.write_text(f"#!/bin/sh\n/bin/cat {tmp_path}/{name}.out\nexit 1\n")
            program.chmod(0o755)
        return subprocess.run(
            [sys.executable, ".ci/audit.py"], cwd=ROOT, env={**os.environ, "PATH": str(tmp_path)},
            capture_output=True, text=True, check=False,
        )  # fmt: skip

    return run


NO_NPM_ADVISORIES = {"vulnerabilities": {}}


@pytest.mark.parametrize(
    ("pip_audit", "npm", "code", "said"),
    [
        (CLEAN, NO_NPM_ADVISORIES, 0, "advisories of Python packages: none"),
        (advisory("2.1"), NO_NPM_ADVISORIES, 1, "b 2: CVE-1, fixed in 2.1"),
        (advisory(), NO_NPM_ADVISORIES, 0, "b 2: CVE-1, no fix yet"),
        ("ConnectionError: no route", NO_NPM_ADVISORIES, 0, "skipped, ConnectionError: no route"),
        (CLEAN, {"error": {"summary": "away"}}, 0, "npm packages of webapi: skipped, away"),
        (CLEAN, {"vulnerabilities": {"c": {"severity": "high", "fixAvailable": True}}}, 1, "c: high, a fix"),
    ],
)  # fmt: skip
def test_only_advisories_with_a_fix_fail(audit: Any, pip_audit: Any, npm: Any, code: int, said: str) -> None:
    done = audit(pip_audit, npm)
    assert said in done.stdout
    assert done.returncode == code, done.stdout + done.stderr
