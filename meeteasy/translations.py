"""Translations without the gettext tools, which a machine with only Python lacks.

Finds the strings of our own sources that people see, compares them with `locale/<language>/LC_MESSAGES/
django.po`, and compiles that into the .mo beside it, which Django reads. `manage.py messages` does both;
docs/translating.md has the steps. File formats: GNU gettext manual, "PO Files" and "MO Files".
"""

import ast
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.utils.translation.template import templatize

_NAMES = {"_", "gettext", "gettext_lazy", "gettext_noop", "ngettext", "ngettext_lazy"}
_TEMPLATE_STRING = r"""u?('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
_IN_TEMPLATE = re.compile(rf"\bn?gettext\({_TEMPLATE_STRING}(?:,\s*{_TEMPLATE_STRING}\s*,)?")


@dataclass(frozen=True)
class Message:
    """A string, and its plural where it has one."""

    text: str
    plural: str | None = None


Catalogue = dict[Message, list[str]]


def own_apps() -> list[str]:
    """The names of the apps in this repository."""
    return [config.name for config in apps.get_app_configs() if Path(config.path).parent == settings.BASE_DIR]


def find_messages() -> dict[Message, str]:
    """Every string of our sources that is to be translated, and the first file that has it."""
    found: dict[Message, str] = {}
    for path in _sources():
        text = path.read_text(encoding="utf-8")
        messages = _in_python(text) if path.suffix == ".py" else _in_template(text)
        for message in messages:
            found.setdefault(message, path.relative_to(settings.BASE_DIR).as_posix())
    return found


def _sources() -> Iterator[Path]:
    for name in sorted(own_apps()):
        for path in sorted((settings.BASE_DIR / name).rglob("*.py")):
            if "migrations" not in path.parts:
                yield path
    yield from sorted(path for path in (settings.BASE_DIR / "templates").rglob("*.*") if path.is_file())


def _in_python(source: str) -> Iterator[Message]:
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        texts = [
            arg.value for arg in node.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)
        ]
        if name in _NAMES and texts:
            yield Message(texts[0], texts[1] if name.startswith("ngettext") else None)


def _in_template(source: str) -> Iterator[Message]:
    for match in _IN_TEMPLATE.finditer(templatize(source)):
        text, plural = match.groups()
        yield Message(ast.literal_eval(text), ast.literal_eval(plural) if plural else None)


def read_po(text: str) -> tuple[str, Catalogue]:
    """The header and the translations of a .po file. Comments are not kept: sources change, and the files
    that they name are written anew."""
    entries: list[dict[str, str]] = []
    keyword = ""
    for number, line in enumerate(text.splitlines(), 1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        match = re.fullmatch(r'(?:(msgid|msgid_plural|msgstr|msgstr\[\d\])\s+)?(".*")', line)
        if match is None:
            raise ValueError(f"line {number} is not of a .po file as we write them: {line}")
        if match[1]:
            keyword = match[1]
            if keyword == "msgid":
                entries.append({})
            entries[-1][keyword] = ""
        entries[-1][keyword] += ast.literal_eval(match[2])
    catalogue: Catalogue = {}
    header = ""
    for entry in entries:
        strings = [value for name, value in entry.items() if name.startswith("msgstr")]
        if entry["msgid"]:
            catalogue[Message(entry["msgid"], entry.get("msgid_plural"))] = strings
        else:
            header = strings[0]
    return header, catalogue


def write_po(header: str, catalogue: Catalogue, places: dict[Message, str]) -> str:
    """A .po file with the messages in the order of the files that they are in."""
    parts = ['msgid ""\nmsgstr ""\n' + "".join(f"{_quote(line)}\n" for line in header.splitlines(True))]
    for message in sorted(catalogue, key=lambda message: (places.get(message, ""), message.text)):
        lines = [f"#: {places[message]}"] if message in places else []
        if re.search(r"%[(sd]", message.text):
            lines.append("#, python-format")
        lines.append(f"msgid {_quote(message.text)}")
        if message.plural is None:
            lines.append(f"msgstr {_quote(catalogue[message][0])}")
        else:
            lines.append(f"msgid_plural {_quote(message.plural)}")
            lines += [f"msgstr[{number}] {_quote(text)}" for number, text in enumerate(catalogue[message])]
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def _quote(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
    return f'"{escaped}"'


def compile_mo(header: str, catalogue: Catalogue) -> bytes:
    """The .mo file of a catalogue; strings without a translation are left out."""
    pairs = {b"": header.encode()}
    for message, strings in catalogue.items():
        if all(strings):
            key = message.text if message.plural is None else f"{message.text}\0{message.plural}"
            pairs[key.encode()] = "\0".join(strings).encode()
    keys = sorted(pairs)
    data, offsets = b"", []
    start = 7 * 4 + 16 * len(keys)
    for texts in (keys, [pairs[key] for key in keys]):
        for text in texts:
            offsets += [len(text), start + len(data)]
            data += text + b"\0"
    head = struct.pack("<7I", 0x950412DE, 0, len(keys), 28, 28 + 8 * len(keys), 0, start)
    return head + struct.pack(f"<{len(offsets)}I", *offsets) + data


@dataclass(frozen=True)
class Language:
    """The files of a language, as `locale/zh_Hans`."""

    folder: Path

    @property
    def po(self) -> Path:
        return self.folder / "LC_MESSAGES" / "django.po"

    @property
    def mo(self) -> Path:
        return self.po.with_suffix(".mo")


def languages() -> list[Language]:
    return [
        Language(path.parent.parent)
        for path in sorted(settings.LOCALE_PATHS[0].glob("*/LC_MESSAGES/django.po"))
    ]


def update(language: Language) -> list[Message]:
    """Write .po and .mo with what the sources have now. Returns what has no translation yet."""
    header, catalogue = read_po(language.po.read_text(encoding="utf-8"))
    places = find_messages()
    catalogue = {message: catalogue.get(message, [""]) for message in places}
    language.po.write_text(write_po(header, catalogue, places), encoding="utf-8")
    language.mo.write_bytes(compile_mo(header, catalogue))
    return [message for message, strings in catalogue.items() if not all(strings)]
