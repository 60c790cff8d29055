"""Real LibreOffice on generated documents: pages, text, glyphs, and the bad ones."""

import io
import subprocess
from pathlib import Path
from typing import Any

import pypdfium2 as pdfium
import pytest
from PIL import Image, ImageChops, ImageDraw, ImageFont

from conversion.inspecting.detecting import inspect
from tests.conversion import documents
from tests.conversion.conftest import Start, about_no_database, needs_libreoffice, needs_sandbox, read_output

pytestmark = [pytest.mark.django_db, about_no_database, pytest.mark.slow, needs_sandbox, needs_libreoffice]

CJK_FONT = Path("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc")
needs_chinese = pytest.mark.skipif(not CJK_FONT.exists(), reason="fonts-noto-cjk is not installed")


def opened(job: Any) -> "pdfium.PdfDocument":
    return pdfium.PdfDocument(read_output(job))


def text_of(document: "pdfium.PdfDocument") -> str:
    """The text without white space, which a PDF does not keep."""
    texts = [document[number].get_textpage().get_text_range() for number in range(len(document))]
    return "".join("".join(texts).split())


def squeezed(text: str) -> str:
    return "".join(text.split())


@pytest.fixture(scope="module")
def old_formats(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Documents in formats that only LibreOffice writes, made by it."""
    folder = tmp_path_factory.mktemp("made")
    made = {}
    for name, content, targets in [
        (
            "text.docx",
            documents.make_docx(["Agenda", documents.CHINESE]),
            ["doc", "rtf", "odt", "fodt", "ott"],
        ),
        ("sheet.xlsx", documents.make_xlsx(), ["xls", "ods", "fods"]),
        ("show.pptx", documents.make_pptx(["Opening", "Closing"]), ["ppt", "odp", "fodp", "odg"]),
    ]:
        (folder / name).write_bytes(content)
        for target in targets:
            subprocess.run(
                ["soffice", f"-env:UserInstallation=file://{folder}/profile", "--headless", "--convert-to",
                 target, "--outdir", str(folder), str(folder / name)],
                check=True, capture_output=True,
            )  # fmt: skip
            made[target] = (folder / f"{name.partition('.')[0]}.{target}").read_bytes()
    return made


@pytest.mark.parametrize(
    "kind", ["doc", "rtf", "odt", "fodt", "ott", "xls", "ods", "fods", "ppt", "odp", "fodp"]
)
def test_every_office_format_becomes_a_pdf(kind: str, old_formats: dict[str, bytes], work_off: Start) -> None:
    job = work_off(old_formats[kind], f"a.{kind}")
    assert job.kind == ("odt" if kind == "ott" else kind)
    expected = {"t": "Agenda", "s": "张伟", "p": "Opening"}
    word = expected["s" if kind in ("xls", "ods", "fods") else "p" if "p" in kind else "t"]
    assert word in text_of(opened(job))


def test_a_protected_old_document_is_found(old_formats: dict[str, bytes]) -> None:
    from conversion.problems import ConversionError

    for content in (documents.protect_doc(old_formats["doc"]),):
        with pytest.raises(ConversionError) as raised:
            inspect(io.BytesIO(content), "a.doc")
        assert raised.value.code == "password_protected"
    assert inspect(io.BytesIO(old_formats["doc"]), "a.doc").kind == "doc"


@pytest.mark.parametrize("text", [documents.CHINESE, documents.ARABIC, "שלום עולם", "Straße – naïve"])
def test_the_text_comes_out_as_it_went_in(text: str, work_off: Start) -> None:
    found = text_of(opened(work_off(documents.make_docx([text]))))
    # A PDF has right-to-left text in the order of reading or of drawing; the characters are the same.
    assert (
        sorted(found) == sorted(squeezed(text))
        if text in (documents.ARABIC, "שלום עולם")
        else found == squeezed(text)
    )


def test_three_hundred_pages_are_all_there(work_off: Start) -> None:
    job = work_off(documents.make_docx([documents.CHINESE], pages=300))
    document = opened(job)
    assert len(document) == job.facts["pages"] == 300
    assert text_of(document) == "".join(f"{squeezed(documents.CHINESE)}{number + 1}" for number in range(300))


def test_hidden_slides_are_left_out(work_off: Start) -> None:
    titles = [f"Slide {number}" for number in range(5)]
    document = opened(work_off(documents.make_pptx(titles, hidden=[1, 3]), "show.pptx"))
    assert len(document) == 3
    assert text_of(document) == "Slide0Slide2Slide4"


def test_an_embedded_picture_is_shown(work_off: Start) -> None:
    picture = documents.make_picture(size=(200, 200), color=(255, 0, 255))
    job = work_off(documents.make_docx(picture=picture))
    assert count_pixels(read_output(job), (255, 0, 255)) > 1000


def count_pixels(pdf: bytes, color: tuple[int, int, int]) -> int:
    picture = pdfium.PdfDocument(pdf)[0].render(scale=1).to_pil().convert("RGB")
    return sum(count for count, found in picture.getcolors(1 << 20) if found == color)


@needs_chinese
def test_the_chinese_glyph_is_the_one_of_the_font(work_off: Start) -> None:
    """A missing font would draw boxes; the wrong regional variant would draw other strokes."""
    glyph = "骨"  # differs between the Chinese, Japanese and Korean forms
    style = "font-size:200px; font-family:'Noto Sans CJK SC'"
    html = f"""<html lang="zh-CN"><body><p style="{style}">{glyph}</p></body></html>"""
    document = opened(work_off(html.encode(), "a.html"))
    drawn = trimmed(document[0].render(scale=3).to_pil().convert("L"))
    same = compare(drawn, glyph, index=2)  # the simplified Chinese form in the collection
    assert same > 0.98, same
    assert same > compare(drawn, glyph, index=0) + 0.04, "the Japanese form"
    assert same > compare(drawn, "□", index=2) + 0.2


def trimmed(picture: Image.Image) -> Image.Image:
    ground = Image.new("L", picture.size, 255)
    return picture.crop(ImageChops.difference(picture, ground).getbbox())


def compare(drawn: Image.Image, glyph: str, *, index: int) -> float:
    """How many of the pixels agree with the font's own drawing of a glyph, at the same size."""
    font = ImageFont.truetype(str(CJK_FONT), 400, index=index)
    own = Image.new("L", (800, 800), 255)
    ImageDraw.Draw(own).text((100, 100), glyph, font=font, fill=0)
    size = (200, 200)
    pair = [
        picture.resize(size).point(lambda value: 255 * (value > 128)) for picture in (drawn, trimmed(own))
    ]
    return ImageChops.difference(*pair).histogram()[0] / (size[0] * size[1])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
def test_texts_in_the_usual_encodings_come_out_right(encoding: str, work_off: Start) -> None:
    text = f"{documents.CHINESE}\n第二行\n"
    assert text_of(opened(work_off(text.encode(encoding), "a.txt"))) == squeezed(text)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_csv_file_becomes_a_table(separator: str, work_off: Start) -> None:
    rows = [["姓名", "人数"], ['"张, 伟; x"', "3"]]
    content = "\n".join(separator.join(row) for row in rows).encode("gb18030")
    assert text_of(opened(work_off(content, "a.csv"))).endswith("姓名人数张,伟;x3")  # after a header


def test_html_keeps_its_charset_and_runs_no_script(work_off: Start) -> None:
    head = "<html><head><meta charset='gb2312'></head><body>"
    html = f"{head}{documents.CHINESE}<script>document.write('x')</script>"
    assert text_of(opened(work_off(html.encode("gb2312"), "a.html"))) == squeezed(documents.CHINESE)


@pytest.mark.parametrize(
    ("content", "name", "code"),
    [
        (documents.random_bytes(), "a.docx", "corrupt"),
        (documents.make_docx()[:-300], "a.docx", "corrupt"),
        (
            documents.make_zip({"[Content_Types].xml": b"wordprocessingml.document.main+xml"}),
            "a.docx",
            "corrupt",
        ),
        (b"\n", "a.csv", "empty_output"),
        (documents.make_xlsx([]), "a.xlsx", "empty_output"),
        (documents.make_picture(), "a.docx", "unsupported_type"),
        (lambda: documents.protect(documents.make_pptx()), "a.pptx", "password_protected"),
        (documents.make_zip_bomb, "a.docx", "zip_bomb"),
    ],
)
def test_a_bad_document_has_the_code_of_its_fault(
    work_off: Start, content: documents.Content, name: str, code: str
) -> None:
    job = work_off(documents.made(content), name)
    assert (job.status, job.error_code) == ("failed", code), job.error_details


def test_a_document_with_too_many_pages_is_named(work_off: Start, settings: Any) -> None:
    settings.CONVERT_MAX_PAGES = 3
    job = work_off(documents.make_docx(pages=4))
    assert (job.error_code, job.error_details) == ("too_many_pages", {"pages": 4, "max_pages": 3})


def test_a_word_document_becomes_pictures(work_off: Start) -> None:
    job = work_off(documents.make_docx(pages=3), "a.docx", "pages", format="png", width="200")
    assert job.facts == {"pages": 3}
    assert job.between_path.endswith(".pdf")
    assert read_output(job).startswith(b"PK")


def test_a_protected_pdf_is_named(tmp_path: Path, work_off: Start) -> None:
    pdf = protected_pdf(tmp_path)
    for target in ("pages", "thumbnail"):
        job = work_off(pdf, "a.pdf", target)
        assert (job.status, job.error_code) == ("failed", "password_protected")


def protected_pdf(folder: Path) -> bytes:
    (folder / "a.docx").write_bytes(documents.make_docx())
    options = (
        '{"EncryptFile":{"type":"boolean","value":"true"},'
        '"DocumentOpenPassword":{"type":"string","value":"x"}}'
    )
    subprocess.run(
        ["soffice", f"-env:UserInstallation=file://{folder}/profile", "--headless", "--convert-to",
         f"pdf:writer_pdf_Export:{options}", "--outdir", str(folder), str(folder / "a.docx")],
        check=True, capture_output=True,
    )  # fmt: skip
    return (folder / "a.pdf").read_bytes()
