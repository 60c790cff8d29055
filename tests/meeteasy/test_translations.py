"""Translations. After adding a string run `manage.py messages`, translate what it lists, and run it again."""

import gettext
import re
import shutil
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client

from conferences.models import Conference
from meeteasy import translations

_CATALOGS = translations.list_catalogs()
_by_language = pytest.mark.parametrize("path", _CATALOGS, ids=translations.language_of)


def test_there_is_simplified_chinese() -> None:
    assert [translations.language_of(path) for path in _CATALOGS] == ["zh_Hans"]


def test_strings_in_code_and_templates_are_found_with_plurals() -> None:
    found = translations.find_texts()
    assert found["What happens"] == "templates/console/live.html"
    assert found["daily summary"] == "analytics/models.py"
    assert ("%d dead letter was put back.", "%d dead letters were put back.") in found
    assert "%(address)s gets reminders about %(conference)s." in found  # blocktranslate


@_by_language
def test_every_string_is_translated(path: Path) -> None:
    catalog = translations.load(path)
    found = translations.find_texts()
    texts = {message.id if isinstance(message.id, str) else tuple(message.id) for message in catalog} - {""}
    assert sorted(map(str, texts ^ found.keys())) == []
    untranslated = [
        message.id for message in catalog if message.id and not translations.is_translated(message)
    ]
    assert untranslated == []


@_by_language
def test_translations_keep_the_placeholders(path: Path) -> None:
    placeholders = re.compile(r"%\(\w+\)[sd]|%[sd]|\{\w+\}")
    for message in translations.load(path):
        if not message.id:
            continue
        singular = message.id if isinstance(message.id, str) else message.id[0]
        for text in [message.string] if isinstance(message.string, str) else message.string:
            assert sorted(placeholders.findall(text)) == sorted(placeholders.findall(singular)), text


@_by_language
def test_an_update_keeps_existing_translations(path: Path, tmp_path: Path) -> None:
    copy = tmp_path / translations.language_of(path) / "LC_MESSAGES" / "django.po"
    copy.parent.mkdir(parents=True)
    shutil.copy(path, copy)
    assert translations.update(copy) == []
    assert copy.read_text() == path.read_text()


def test_pythons_gettext_reads_compiled_catalogs(tmp_path: Path) -> None:
    path = tmp_path / "de" / "LC_MESSAGES" / "django.po"
    path.parent.mkdir(parents=True)
    path.write_text(
        'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=UTF-8\\n"\n'
        '"Plural-Forms: nplurals=2; plural=(n != 1);\\n"\n\n'
        '# a comment\nmsgid ""\n"two "\n"lines\\n"\nmsgstr "\\"zwei\\" Zeilen\\n"\n\n'
        'msgid "%d day"\nmsgid_plural "%d days"\nmsgstr[0] "%d Tag"\nmsgstr[1] "%d Tage"\n\n'
        'msgid "not yet"\nmsgstr ""\n'
    )
    translations.compile_catalog(path)
    with path.with_suffix(".mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    assert compiled.gettext("two lines\n") == '"zwei" Zeilen\n'
    assert [compiled.ngettext("%d day", "%d days", number) for number in (1, 2)] == ["%d Tag", "%d Tage"]
    assert compiled.gettext("not yet") == "not yet"


def test_pages_speak_the_browsers_language(conference: Conference, alice: User) -> None:
    client = Client(headers={"Accept-Language": "zh-CN,zh;q=0.9"})
    client.force_login(alice)
    page = client.get("/console/c/summit/live/").content.decode()
    assert '<html lang="zh-hans">' in page
    assert "最新动态" in page
    alice.is_staff = alice.is_superuser = True
    alice.save()
    assert "每日汇总" in client.get("/admin/").content.decode()
