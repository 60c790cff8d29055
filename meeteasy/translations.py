"""Translations without the gettext tools, which a machine with only Python lacks.

Finds the strings for people in our sources, updates `locale/<language>/LC_MESSAGES/django.po`, and compiles
it into the .mo file that Django reads. Babel reads and writes both formats.
"""

import ast
import os
import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.apps import apps
from django.conf import settings
from django.utils.translation.template import templatize

# Arguments of each function that are texts: (singular,) or (singular, plural).
_KEYWORDS = {
    "_": (1,), "gettext": (1,), "gettext_lazy": (1,), "gettext_noop": (1,),
    "ngettext": (1, 2), "ngettext_lazy": (1, 2),
}  # fmt: skip
_STRING = r"""u?('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
_IN_TEMPLATE = re.compile(rf"\b(?:n?gettext|_)\({_STRING}(?:,\s*{_STRING}\s*,)?")

# A text, or its singular and plural.
Text = str | tuple[str, str]


def list_catalogs() -> list[Path]:
    """List the .po file of each language, as `locale/zh_Hans/LC_MESSAGES/django.po`."""
    return sorted(settings.LOCALE_PATHS[0].glob("*/LC_MESSAGES/django.po"))


def language_of(path: Path) -> str:
    """Return the locale of a .po file, as `zh_Hans`."""
    return path.parent.parent.name


def load(path: Path) -> Catalog:
    with path.open("rb") as file:
        return read_po(file, locale=language_of(path))


def find_texts() -> dict[Text, str]:
    """Find every translatable string in our sources, with the first file that has it."""
    found: dict[Text, str] = {}
    for path in _sources():
        texts = _in_python(path) if path.suffix == ".py" else _in_template(path.read_text(encoding="utf-8"))
        for text in texts:
            found.setdefault(text, path.relative_to(settings.BASE_DIR).as_posix())
    return found


def update(path: Path) -> list[str]:
    """Update a .po file from the sources and compile it. Returns the strings without a translation."""
    former = load(path)
    catalog = Catalog(locale=language_of(path), header_comment="")
    for text, place in sorted(find_texts().items(), key=lambda item: (item[1], _singular(item[0]))):
        known = former.get(_singular(text))
        catalog.add(text, known.string if known is not None else None, locations=[(place, 0)])
    with path.open("wb") as file:
        file.write(_header(catalog))
        write_po(file, catalog, width=0, omit_header=True, include_lineno=False)
    compile_catalog(path)
    return [singular_of(message) for message in catalog if message.id and not is_translated(message)]


def _singular(text: Text) -> str:
    return text if isinstance(text, str) else text[0]


def _header(catalog: Catalog) -> bytes:
    """Make a fixed header. Babel's own has the time of writing, so the file would change with every run."""
    lines = {
        "Language": str(catalog.locale),
        "MIME-Version": "1.0",
        "Content-Type": "text/plain; charset=UTF-8",
        "Content-Transfer-Encoding": "8bit",
        "Plural-Forms": catalog.plural_forms,
    }
    return (
        b'msgid ""\nmsgstr ""\n'
        + b"".join(f'"{name}: {value}\\n"\n'.encode() for name, value in lines.items())
        + b"\n"
    )


def singular_of(message: Message) -> str:
    return message.id if isinstance(message.id, str) else message.id[0]


def is_translated(message: Message) -> bool:
    strings = [message.string] if isinstance(message.string, str) else message.string or [""]
    return all(strings)


def compile_catalog(path: Path) -> None:
    """Write the .mo file beside a .po file. It is not in git: bin/setup makes it."""
    compiled = BytesIO()
    write_mo(compiled, load(path))
    target = path.with_suffix(".mo")
    unfinished = target.with_suffix(f".{os.getpid()}")
    unfinished.write_bytes(compiled.getvalue())
    unfinished.replace(target)  # in one step, because others may be reading it


def _sources() -> Iterator[Path]:
    own = [config.path for config in apps.get_app_configs() if Path(config.path).parent == settings.BASE_DIR]
    for folder in sorted({*own, str(settings.BASE_DIR / "meeteasy")}):
        for path in sorted(Path(folder).rglob("*.py")):
            if "migrations" not in path.parts:
                yield path
    yield from sorted(path for path in (settings.BASE_DIR / "templates").rglob("*.*") if path.is_file())


def _in_python(path: Path) -> Iterator[Text]:
    source = path.read_bytes()
    if b"gettext" not in source:
        return  # it imports none of the functions, and tokenizing it takes milliseconds
    with BytesIO(source) as file:
        for _line, found, _comments, _context in extract("python", file, _KEYWORDS):
            yield (found[0], found[1]) if isinstance(found, tuple) else found


def _in_template(source: str) -> Iterator[Text]:
    for match in _IN_TEMPLATE.finditer(templatize(source)):
        text, plural = match.groups()
        yield (ast.literal_eval(text), ast.literal_eval(plural)) if plural else ast.literal_eval(text)
