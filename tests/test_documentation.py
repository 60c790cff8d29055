"""The documentation names only files that exist."""

import re
from pathlib import Path

import pytest

from tests.support.environment import STORE
from tests.support.system import ROOT

pytestmark = pytest.mark.skipif(STORE != "sqlite", reason="about no database")

_PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
_APPS = (
    "analytics|benchmarks|bin|conferences|console|conversion|deploy|live|meeteasy|notifications|sharing|static|templates"
    "|tests|visuspace|webapi"
)
_FILE = re.compile(rf"(?<![\w./-])((?:{_APPS})/[\w/.-]*\w\.(?:py|html|css|js|ts|toml|txt))(?![\w/*])")
_LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#\s]+)")


def ids(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", _PAGES, ids=ids)
def test_every_file_that_a_page_names_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    if page.name == "CONTRIBUTING.md":  # its recipes make files
        text = text.partition("## Recipes")[0]
    assert [name for name in _FILE.findall(text) if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("page", _PAGES, ids=ids)
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    links = _LINK.findall(page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_the_way_of_one_event_names_existing_modules() -> None:
    drawing = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8").split("```")[1]
    folders = "ingest|events|event_types|stream|reactions|days|store"
    named = re.findall(rf"(?:├|└) ((?:{folders})/[\w*{{}},]+\.py)", drawing)
    assert len(named) > 8
    for name in named:
        folder, _, file = name.partition("/")
        modules = re.sub(r"[{}]|\.py", "", file).split(",")
        assert all(list((ROOT / "analytics" / folder).glob(f"{module}.py")) for module in modules), name


def test_decisions_are_numbered_and_listed_without_a_hole() -> None:
    folder = ROOT / "docs" / "adr"
    pages = sorted(path.name for path in folder.glob("0*.md"))
    assert [page[:4] for page in pages] == [f"{number:04}" for number in range(1, len(pages) + 1)]
    index = (folder / "README.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| \[(\d{4})\]\((.*?)\)", index, re.M) == [(page[:4], page) for page in pages]
    for page in pages:
        heading, _, dated = (folder / page).read_text(encoding="utf-8").split("\n", 3)[:3]
        assert heading.startswith(f"# {page[:4]}: "), page
        assert re.match(r"Date: \d{4}-\d\d-\d\d · Status: ", dated), page
