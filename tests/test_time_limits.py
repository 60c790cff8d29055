"""Tests that hang, in runs of pytest of their own."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.forks import ROOT

HANGING = """
import signal
import time

import pytest

attempts = []


@pytest.fixture
def held():
    yield
    time.sleep(60)


def test_waits():
    time.sleep(60)


def test_fails_and_then_waits(held):
    raise ValueError


@pytest.mark.flaky(reruns=1)
def test_waits_when_run_again():
    attempts.append(1)
    if len(attempts) > 1:
        time.sleep(60)
    raise ValueError


async def test_waits_in_an_event_loop():
    import asyncio

    await asyncio.sleep(60)


def test_hears_no_signal():
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])
    time.sleep(60)


def test_passes():
    pass
"""


@pytest.mark.slow
def test_hanging_tests_fail_by_name_and_the_others_run(tmp_path: Path) -> None:
    file = tmp_path / "test_hanging.py"
    file.write_text(HANGING)
    options = ["-o", "time_limit=0.5", "-o", "asyncio_mode=auto", "-c", "/dev/null", f"--rootdir={tmp_path}"]
    plugins = ["-p", "tests.support.time_limits", "-p", "no:django"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-n1", *options, *plugins, str(file)],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=100,
    )  # fmt: skip
    output = done.stdout + done.stderr
    for part, name in (
        ("call", "test_waits"),
        ("teardown", "test_fails_and_then_waits"),
        ("call", "test_waits_when_run_again"),
        ("call", "test_waits_in_an_event_loop"),
    ):
        assert f"Failed: {part} of test_hanging.py::{name} took more than 0.5 s" in output
    assert "crashed while running 'test_hanging.py::test_hears_no_signal'" in output
    assert "Timeout (0:00:01)!" in output
    assert "in test_hears_no_signal" in output
    assert "5 failed, 1 passed" in output
