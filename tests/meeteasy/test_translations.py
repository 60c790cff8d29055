"""Whoever adds a string for people: `manage.py messages`, fill in what it lists, and again."""

import gettext
import io
import re

import pytest
from django.contrib.auth.models import User
from django.test import Client

from conferences.models import Conference
from meeteasy import translations
from meeteasy.translations import Message

_LANGUAGES = translations.languages()
_by_folder = pytest.mark.parametrize("language", _LANGUAGES, ids=lambda language: language.folder.name)


def test_there_is_simplified_chinese() -> None:
    assert [language.folder.name for language in _LANGUAGES] == ["zh_Hans"]


def test_strings_are_found_in_code_and_templates_with_their_plurals() -> None:
    found = translations.find_messages()
    assert found[Message("What happens")] == "templates/live/screen.html"
    assert found[Message("daily summary")] == "analytics/models.py"
    assert Message("%d dead letter was put back.", "%d dead letters were put back.") in found
    assert Message("%(address)s gets reminders of %(conference)s.") in found  # blocktranslate


@_by_folder
def test_every_string_is_translated(language: translations.Language) -> None:
    _, catalogue = translations.read_po(language.po.read_text())
    found = translations.find_messages()
    assert [message.text for message in found if not all(catalogue.get(message, [""]))] == []
    assert [message.text for message in catalogue if message not in found] == []


@_by_folder
def test_translations_keep_the_placeholders(language: translations.Language) -> None:
    _, catalogue = translations.read_po(language.po.read_text())
    placeholders = re.compile(r"%\(\w+\)[sd]|%[sd]|\{\w+\}")
    for message, strings in catalogue.items():
        for text in strings:
            assert sorted(placeholders.findall(text)) == sorted(placeholders.findall(message.text)), text


@_by_folder
def test_the_compiled_file_is_that_of_the_text(language: translations.Language) -> None:
    text = language.po.read_text()
    assert language.mo.read_bytes() == translations.compile_mo(*translations.read_po(text))


def test_pythons_gettext_reads_what_is_compiled() -> None:
    header, catalogue = translations.read_po(
        'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=UTF-8\\n"\n'
        '"Plural-Forms: nplurals=2; plural=(n != 1);\\n"\n\n'
        '# a comment\nmsgid ""\n"two "\n"lines\\n"\nmsgstr "\\"zwei\\" Zeilen\\n"\n\n'
        'msgid "%d day"\nmsgid_plural "%d days"\nmsgstr[0] "%d Tag"\nmsgstr[1] "%d Tage"\n\n'
        'msgid "not yet"\nmsgstr ""\n'
    )
    compiled = gettext.GNUTranslations(io.BytesIO(translations.compile_mo(header, catalogue)))
    assert compiled.gettext("two lines\n") == '"zwei" Zeilen\n'
    assert [compiled.ngettext("%d day", "%d days", number) for number in (1, 2)] == ["%d Tag", "%d Tage"]
    assert compiled.gettext("not yet") == "not yet"
    written = translations.write_po(header, catalogue, {})
    assert translations.read_po(written) == (header, catalogue)


def test_pages_speak_the_browsers_language(conference: Conference, alice: User) -> None:
    client = Client(headers={"Accept-Language": "zh-CN,zh;q=0.9"})
    client.force_login(alice)
    page = client.get("/live/summit").content.decode()
    assert '<html lang="zh-hans">' in page
    assert "最新动态" in page
    alice.is_staff = alice.is_superuser = True
    alice.save()
    assert "每日汇总" in client.get("/admin/").content.decode()
