"""What a file is, by its content. Nothing is started for it, so none of this needs LibreOffice."""

import io
import zipfile

import pytest

from conversion.inspecting.detecting import Inspection, inspect
from conversion.problems import ConversionError
from tests.conversion import documents


def look(content: bytes, name: str = "file") -> Inspection:
    return inspect(io.BytesIO(content), name)


def problem(content: bytes, name: str = "file") -> str:
    with pytest.raises(ConversionError) as raised:
        look(content, name)
    return str(raised.value.code)


def retyped(old: str, new: str, document: bytes) -> bytes:
    """The document with another content type of its main part."""
    source = zipfile.ZipFile(io.BytesIO(document))
    files = {name: source.read(name) for name in source.namelist()}
    before = files["[Content_Types].xml"]
    files["[Content_Types].xml"] = before.replace(old.encode(), new.encode())
    assert files["[Content_Types].xml"] != before
    return documents.make_zip(files)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (documents.make_docx(), "docx"),
        (documents.make_xlsx(), "xlsx"),
        (documents.make_pptx(), "pptx"),
        (documents.make_odt(), "odt"),
        (documents.make_fodt(), "fodt"),
        (b"{\\rtf1\\ansi Agenda}", "rtf"),
        (b"<!-- x --><!DOCTYPE html><p>Agenda", "html"),
        (b"%PDF-1.7\n", "pdf"),
        (b"\n\n%PDF-1.4 after some bytes", "pdf"),
        *(
            (documents.make_picture(format=format), kind)
            for format, kind in [("JPEG", "jpeg"), ("PNG", "png"), ("WEBP", "webp"), ("GIF", "gif"),
                                 ("TIFF", "tiff"), ("BMP", "bmp"), ("AVIF", "avif")]
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_the_content_decides_whatever_the_name_says(content: bytes, kind: str) -> None:
    for name in ("agenda.docx", "agenda.exe", "agenda", "议程.pdf"):
        assert look(content, name).kind == kind


def test_macro_files_templates_and_shows_are_known() -> None:
    document, show = documents.make_docx(), documents.make_pptx()
    main = "vnd.openxmlformats-officedocument."
    for old, new, file, kind in [
        (f"{main}wordprocessingml.document.main", "vnd.ms-word.document.macroEnabled.main", document, "docx"),
        (f"{main}wordprocessingml.document.main", f"{main}wordprocessingml.template.main", document, "docx"),
        (f"{main}presentationml.presentation.main", f"{main}presentationml.slideshow.main", show, "pptx"),
    ]:
        assert look(retyped(old, new, file)).kind == kind


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        ("姓名,人数\n张伟,3\n".encode(), "utf-8"),
        ("姓名,人数\n张伟,3\n".encode("gb18030"), "gb18030"),
        ("姓名,人数\n张伟,3\n".encode("utf-16"), "utf-16"),
        ("姓名,人数\n张伟,3\n".encode("utf-8-sig"), "utf-8-sig"),
    ],
)
def test_the_encoding_of_a_text_is_found(content: bytes, encoding: str) -> None:
    assert look(content, "list.csv").facts == {"encoding": encoding, "separator": ","}
    assert look(content, "list.txt").kind == "txt"


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_the_separator_is_found_outside_quotes(separator: str) -> None:
    row = separator.join(["a", '"x,y;z|,;,;|"', "b", "c"])
    assert look(f"{row}\n{row}\n".encode(), "list.csv").facts["separator"] == separator


@pytest.mark.parametrize(
    ("content", "name", "code"),
    [
        (lambda: documents.protect(documents.make_docx()), "a.docx", "password_protected"),
        (lambda: documents.protect(documents.make_xlsx()), "a.xlsx", "password_protected"),
        (documents.make_odt(encrypted=True), "a.odt", "password_protected"),
        (documents.random_bytes(), "a.docx", "corrupt"),
        (documents.random_bytes(), "a.jpg", "corrupt"),
        (documents.make_docx()[:-500], "a.docx", "corrupt"),
        (documents.make_docx()[: len(documents.make_docx()) // 2], "a.docx", "corrupt"),
        (b"just text", "a.docx", "corrupt"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "a.doc", "corrupt"),
        (documents.random_bytes(), "a.bin", "unsupported_type"),
        (documents.make_zip({"a.txt": b"a"}), "a.docx", "unsupported_type"),
        (documents.make_zip({"mimetype": b"application/epub+zip"}), "a.epub", "unsupported_type"),
        (b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>', "a.svg", "unsupported_type"),
        (b"#!/bin/sh\necho", "a.sh", "unsupported_type"),
        (b"\x7fELF" + bytes(100), "a", "unsupported_type"),
        (documents.make_zip_bomb, "a.docx", "zip_bomb"),
        (lambda: documents.make_zip({f"{n}": b"" for n in range(10_001)}), "a.docx", "zip_bomb"),
    ],
)
def test_a_bad_file_has_the_code_of_its_fault(content: documents.Content, name: str, code: str) -> None:
    assert problem(documents.made(content), name) == code


def test_a_damaged_entry_is_found_by_its_checksum() -> None:
    files = {"mimetype": b"application/vnd.oasis.opendocument.text", "content.xml": b"<x>agenda</x>"}
    content = bytearray(documents.make_zip(files, method=zipfile.ZIP_STORED))
    place = content.index(b"agenda")
    content[place] ^= 1
    assert problem(bytes(content), "a.odt") == "corrupt"


def test_a_lie_about_the_size_does_not_unpack_more() -> None:
    """The index says that the entry is small; what it holds is not."""
    bomb = documents.make_zip_bomb(megabytes=100)
    size = (100 * 1024 * 1024).to_bytes(4, "little")
    assert bomb.count(size) >= 2  # of the entry and of the index
    assert problem(bomb.replace(size, (1000).to_bytes(4, "little")), "a.docx") == "corrupt"


def test_encrypted_entries_of_a_zip_are_found() -> None:
    content = bytearray(documents.make_docx())
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = -1
        while (place := content.find(mark, place + 1)) >= 0:
            content[place + offset] |= 1
    assert problem(bytes(content), "a.docx") == "password_protected"
