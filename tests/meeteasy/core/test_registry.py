"""Registries that several threads ask at once, as web requests do."""

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from meeteasy.core.registry import Registry

THREADS = 8
# The package keeps its registry, so that the member can add itself. It takes its time to load, and asks the
# registry meanwhile.
PACKAGE = """
from meeteasy.core.registry import Registry

MEMBERS = Registry(__name__)
"""
MEMBER = """
import time

from slow_members import MEMBERS

assert "late" not in MEMBERS
time.sleep(0.2)
MEMBERS.add("late", "found")
"""


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registry[str]:
    package = tmp_path / "slow_members"
    package.mkdir()
    (package / "__init__.py").write_text(PACKAGE)
    (package / "late.py").write_text(MEMBER)
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("slow_members", "slow_members.late"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    import slow_members  # type: ignore[import-not-found]

    found: Registry[str] = slow_members.MEMBERS
    return found


def test_threads_wait_for_the_one_that_loads(registry: Registry[str]) -> None:
    together = Barrier(THREADS)

    def ask(_: int) -> str:
        together.wait()
        return registry["late"]

    with ThreadPoolExecutor(THREADS) as pool:
        assert list(pool.map(ask, range(THREADS))) == ["found"] * THREADS
