"""Documents that link a file of the server, or a server in its network: nothing of either comes out.

The control converts the same documents with LibreOffice alone, and leaks.
"""

import http.server
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pypdfium2 as pdfium
import pytest

from tests.conversion import documents
from tests.conversion.conftest import Start, about_no_database, needs_libreoffice, needs_sandbox, read_output

pytestmark = [pytest.mark.django_db, about_no_database, pytest.mark.slow, needs_sandbox, needs_libreoffice]

MAGENTA = (255, 0, 255)
MAKERS: dict[str, Callable[[str], bytes]] = {
    "docx": documents.make_linking_docx,
    "odt": lambda address: documents.make_odt(f"<text:p>x</text:p>{documents.frame_with(address)}"),
    "fodt": lambda address: documents.make_fodt(f"<text:p>x</text:p>{documents.frame_with(address)}"),
    "html": lambda address: f"<html><body>x<img src='{address}'>".encode(),
}


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A picture on the server's disk."""
    path = tmp_path / "secret.png"
    path.write_bytes(documents.make_picture(size=(300, 300), color=MAGENTA))
    return path


@pytest.fixture
def listener(secret: Path) -> Iterator[tuple[str, list[str]]]:
    """A server on the loopback that has the picture, and notes what is asked of it."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.send_header("Content-Type", "image/png")
            self.end_headers()
            self.wfile.write(secret.read_bytes())

        do_HEAD = do_OPTIONS = do_PROPFIND = do_GET

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/secret.png", asked
    server.shutdown()


def leaks(pdf: bytes) -> bool:
    """Whether the secret picture is on a page; LibreOffice's own compression changes its colour a little."""
    document = pdfium.PdfDocument(pdf)
    for number in range(len(document)):
        picture = document[number].render(scale=1).to_pil().convert("RGB")
        for _, found in picture.getcolors(1 << 20):
            if all(abs(one - other) < 20 for one, other in zip(found, MAGENTA, strict=True)):
                return True
    return False


def convert_plainly(content: bytes, kind: str, folder: Path) -> bytes:
    """As LibreOffice does by itself: no sandbox, and the settings of a new profile."""
    folder.mkdir()
    (folder / f"a.{kind}").write_bytes(content)
    as_document = ["--infilter=HTML (StarWriter)"] if kind == "html" else []  # else its pages are blank
    subprocess.run(
        ["soffice", f"-env:UserInstallation=file://{folder}/profile", "--headless", *as_document,
         "--convert-to", "pdf:writer_pdf_Export", "--outdir", str(folder), str(folder / f"a.{kind}")],
        check=True, capture_output=True,
    )  # fmt: skip
    return (folder / "a.pdf").read_bytes()


@pytest.mark.parametrize("kind", MAKERS)
def test_a_linked_file_shows_no_pixel(kind: str, secret: Path, work_off: Start) -> None:
    job = work_off(MAKERS[kind](f"file://{secret}"), f"a.{kind}")
    assert job.kind == kind
    assert not leaks(read_output(job))


@pytest.mark.parametrize("kind", MAKERS)
def test_a_linked_address_is_never_asked(kind: str, listener: tuple[str, list[str]], work_off: Start) -> None:
    address, asked = listener
    job = work_off(MAKERS[kind](address), f"a.{kind}")
    assert not leaks(read_output(job))
    assert asked == []


@pytest.mark.parametrize("kind", MAKERS)
def test_control_without_sandbox_the_file_leaks(kind: str, secret: Path, tmp_path: Path) -> None:
    assert leaks(convert_plainly(MAKERS[kind](f"file://{secret}"), kind, tmp_path / "plain"))


@pytest.mark.parametrize("kind", MAKERS)
def test_control_without_sandbox_the_address_is_asked(
    kind: str, listener: tuple[str, list[str]], tmp_path: Path
) -> None:
    address, asked = listener
    convert_plainly(MAKERS[kind](address), kind, tmp_path / "plain")
    assert asked
