"""The recipes of CONTRIBUTING.md, followed literally in a copy of the repository."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.environment import STORE
from tests.support.system import ROOT

pytestmark = [pytest.mark.processes, pytest.mark.skipif(STORE != "sqlite", reason="about no database")]

_FENCE = re.compile(r"^( *)```(\w+) ?([^\n]*)\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)
_AFTER = re.compile(r"(?P<path>\S+) after `(?P<anchor>.*)`")


def recipes() -> dict[str, str]:
    """The text of each recipe that has something to run, by its heading."""
    _, _, text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").partition("## Recipes")
    parts = re.split(r"^### (.+)$", text, flags=re.MULTILINE)[1:]
    return {name: part for name, part in zip(parts[::2], parts[1::2], strict=True) if "```sh" in part}


def blocks(recipe: str) -> Iterator[tuple[str, str, str]]:
    """(language, what stands beside it, content) of each fenced block."""
    for match in _FENCE.finditer(recipe):
        indent, language, place, content = match.groups()
        yield language, place, re.sub(rf"^{indent}", "", content, flags=re.MULTILINE)


def follow(recipe: str, copy: Path) -> str:
    """Do what the recipe says; returns what the commands printed. A command that fails fails the test."""
    printed = ""
    for language, place, content in blocks(recipe):
        if language == "sh":
            result = subprocess.run(
                ["bash", "-euc", content], cwd=copy, env=_environment(copy), capture_output=True, text=True,
                check=False,
            )  # fmt: skip
            printed += result.stdout + result.stderr
            assert result.returncode == 0, printed[-6_000:]
        elif language == "po":
            # A translation goes in before `messages` asks for it: it keeps those of texts that it finds.
            with (copy / place).open("a", encoding="utf-8") as catalog:
                catalog.write(f"\n{content}")
        elif added := _AFTER.fullmatch(place):
            path = copy / added["path"]
            lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
            at = [number for number, line in enumerate(lines) if added["anchor"] in line]
            assert len(at) == 1, f"{added['path']}: {added['anchor']!r} stands in {len(at)} lines"
            lines.insert(at[0] + 1, content)
            path.write_text("".join(lines), encoding="utf-8")
        else:
            path = copy / place
            assert not path.exists(), f"{place} exists already"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
    return printed


def _environment(copy: Path) -> dict[str, str]:
    """As a contributor has it: of what this run has set, only the database with all tables."""
    names = ("PATH", "HOME", "LANG", "TMPDIR", "TESTS_DIRECTORY")
    kept = {name: os.environ[name] for name in names if name in os.environ}
    return {**kept, "DATA_DIR": str(copy / "var")}


# What the commands would otherwise install into each copy.
_INSTALLED = (".venv", "webapi/node_modules", "tests/sdks/node_modules")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The files that git knows, and the packages, compiled translations and compiled code of this run."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, check=True,
    )  # fmt: skip
    known = list(filter(None, listed.stdout.decode().split("\0")))
    # Python takes compiled code by the time and size of its source, both of which a copy keeps.
    packages = {(ROOT / name).parent for name in known if name.endswith(".py")}
    compiled = [path for package in packages for path in package.glob("__pycache__/*.pyc")]
    compiled += ROOT.glob("locale/*/LC_MESSAGES/*.mo")
    for name in (*known, *(path.relative_to(ROOT).as_posix() for path in compiled)):
        source, target = ROOT / name, tmp_path / "copy" / name
        if source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
    for name in _INSTALLED:
        if (ROOT / name).is_dir():
            (tmp_path / "copy" / name).symlink_to((ROOT / name).resolve())
    return tmp_path / "copy"


def test_there_are_recipes_to_follow() -> None:
    assert len(recipes()) >= 7


@pytest.mark.parametrize("name", recipes())
def test_a_recipe_leads_to_green_tests(name: str, copy: Path) -> None:
    printed = follow(recipes()[name], copy)
    assert re.search(r"\b\d+ passed\b", printed), printed[-2_000:]
    style = subprocess.run(
        [".venv/bin/ruff", "check", "."], cwd=copy, capture_output=True, text=True, check=False
    )
    assert style.returncode == 0, style.stdout[-3_000:]
