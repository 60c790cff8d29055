"""Documents for the tests, generated: good ones with what is awkward, and bad ones of each kind."""

import io
import random
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable

import msoffcrypto
from docx import Document
from openpyxl import Workbook
from PIL import Image
from pptx import Presentation
from pptx.util import Inches

CHINESE = "会议议程：上午九点签到，十点开幕式"
ARABIC = "جدول أعمال المؤتمر"
_ODF = "application/vnd.oasis.opendocument."
_NAMESPACES = (
    'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
    'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" '
    'xmlns:draw="urn:oasis:names:tc:opendocument:xmlns:drawing:1.0" '
    'xmlns:xlink="http://www.w3.org/1999/xlink" '
    'xmlns:svg="urn:oasis:names:tc:opendocument:xmlns:svg-compatible:1.0"'
)

# What takes long to make is made by the test that needs it, not while pytest collects tests.
Content = bytes | Callable[[], bytes]


def made(content: Content) -> bytes:
    return content() if callable(content) else content


def make_docx(
    paragraphs: Iterable[str] = ("Agenda",), *, pages: int = 1, picture: bytes | None = None
) -> bytes:
    document = Document()
    for number in range(pages):
        if number:
            document.add_page_break()
        for text in paragraphs:
            document.add_paragraph(text if pages == 1 else f"{text} {number + 1}")
    if picture is not None:
        document.add_picture(io.BytesIO(picture), width=Inches(2))
    return _saved(document)


def make_xlsx(rows: Iterable[Iterable[object]] = (("Name", "Count"), ("张伟", 3))) -> bytes:
    book = Workbook()
    for row in rows:
        book.active.append(list(row))
    return _saved(book)


def make_pptx(titles: Iterable[str] = ("Opening",), *, hidden: Iterable[int] = ()) -> bytes:
    """hidden: numbers of slides, from 0, that are not shown."""
    show = Presentation()
    hidden = set(hidden)
    for number, title in enumerate(titles):
        slide = show.slides.add_slide(show.slide_layouts[5])
        slide.shapes.title.text = title
        if number in hidden:
            slide._element.set("show", "0")
    return _saved(show)


def make_odt(body: str = "<text:p>Agenda</text:p>", *, encrypted: bool = False) -> bytes:
    content = (
        f"<office:document-content {_NAMESPACES} office:version='1.2'><office:body><office:text>{body}"
        "</office:text></office:body></office:document-content>"
    )
    entry = '<manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"'
    entry += "><manifest:encryption-data/></manifest:file-entry>" if encrypted else "/>"
    manifest = (
        '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0" '
        f'manifest:version="1.2"><manifest:file-entry manifest:full-path="/" '
        f'manifest:media-type="{_ODF}text"/>'
        f"{entry}</manifest:manifest>"
    )
    return make_zip({"mimetype": f"{_ODF}text".encode(), "content.xml": content.encode(),
                     "META-INF/manifest.xml": manifest.encode()})  # fmt: skip


def make_fodt(body: str = "<text:p>Agenda</text:p>") -> bytes:
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><office:document {_NAMESPACES} office:version="1.2" '
        f'office:mimetype="{_ODF}text"><office:body><office:text>{body}</office:text></office:body></office:document>'
    ).encode()


def frame_with(address: str) -> str:
    """A picture in an OpenDocument text that is not in the file but at an address."""
    return (
        '<text:p><draw:frame draw:name="x" text:anchor-type="as-char" svg:width="5cm" svg:height="5cm">'
        f'<draw:image xlink:href="{address}" xlink:type="simple" xlink:show="embed" xlink:actuate="onLoad"/>'
        "</draw:frame></text:p>"
    )


def make_linking_docx(address: str) -> bytes:
    """A Word document whose picture is a link to an address."""
    small = make_picture(size=(8, 8))
    source = zipfile.ZipFile(io.BytesIO(make_docx(picture=small)))
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            content = source.read(name)
            if name == "word/document.xml":
                content = content.replace(b"r:embed=", b"r:link=")
            if name == "word/_rels/document.xml.rels":
                content = content.replace(
                    b'Target="media/image1.png"', f'Target="{address}" TargetMode="External"'.encode()
                )
            target.writestr(name, content)
    return made.getvalue()


def make_pdf(texts: Iterable[str] = ("Agenda",), *, size: tuple[int, int] = (595, 842)) -> bytes:
    """A PDF with a page for each text, in a font that needs no file."""
    objects = [b"<</Type/Catalog/Pages 2 0 R>>", b"", b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>"]
    pages = []
    for text in texts:
        content = f"BT /F1 40 Tf 60 {size[1] // 2} Td ({text}) Tj ET".encode()
        objects.append(b"<</Length %d>>stream\n%b\nendstream" % (len(content), content))
        objects.append(
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 %d %d]/Resources<</Font<</F1 3 0 R>>>>/Contents %d 0 R>>"
            % (*size, len(objects))
        )
        pages.append(len(objects))
    objects[1] = b"<</Type/Pages/Count %d/Kids[%b]>>" % (
        len(pages), b" ".join(b"%d 0 R" % number for number in pages)
    )  # fmt: skip
    made, places = bytearray(b"%PDF-1.4\n"), []
    for number, content in enumerate(objects, 1):
        places.append(len(made))
        made += b"%d 0 obj\n%b\nendobj\n" % (number, content)
    start = len(made)
    made += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    made += b"".join(b"%010d 00000 n \n" % place for place in places)
    made += b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)
    return bytes(made)


def make_zip(files: dict[str, bytes], *, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return made.getvalue()


def make_zip_bomb(*, megabytes: int = 100) -> bytes:
    """A Word document of a few kilobytes that unpacks to this much."""
    types = (
        b'<Types><Override ContentType="application/vnd.openxmlformats-officedocument.'
        b'wordprocessingml.document.main+xml"/></Types>'
    )
    return make_zip({"[Content_Types].xml": types, "word/document.xml": bytes(megabytes * 1024 * 1024)})


def protect(document: bytes, password: str = "secret") -> bytes:
    """Encrypt an Office Open XML file as Office does."""
    made = io.BytesIO()
    msoffcrypto.OfficeFile(io.BytesIO(document)).encrypt(password, made)
    return made.getvalue()


def protect_doc(document: bytes) -> bytes:
    """Set the bit of a .doc file's header that says it is encrypted (MS-DOC 2.5.2)."""
    start = document.index(b"\xec\xa5")  # wIdent of the file information block
    flags = struct.unpack_from("<H", document, start + 10)[0] | 0x100
    return document[: start + 10] + struct.pack("<H", flags) + document[start + 12 :]


def make_picture(
    *,
    size: tuple[int, int] = (120, 80),
    format: str = "PNG",
    mode: str = "RGB",
    color: object = (200, 30, 30),
    **options: object,
) -> bytes:
    made = io.BytesIO()
    Image.new(mode, size, color).save(made, format, **options)
    return made.getvalue()


def make_huge_png(width: int, height: int) -> bytes:
    """A PNG of a few bytes that says it has this many pixels."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
        )

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b""))
        + chunk(b"IEND", b"")
    )


def random_bytes(count: int = 20_000) -> bytes:
    return random.Random(7).randbytes(count)


def _saved(document: object) -> bytes:
    made = io.BytesIO()
    document.save(made)  # type: ignore[attr-defined]
    return made.getvalue()
