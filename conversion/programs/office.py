"""Runs LibreOffice on a document and checks what came out.

Its exit code says nothing: it is 0 without a PDF, too. So the PDF itself decides, counted by pdfium.
"""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from conversion.programs.pdf_files import check_pages, is_blank, open_pdf
from conversion.programs.work import FileError, Work

_TEXTS = {"txt", "csv"}
# LibreOffice's numbers for UTF-8 and for the quotation mark (its documentation, "CSV filter parameters").
_UTF8, _QUOTE = 76, 34
# No macros, no links out of the document, no recovery of earlier runs, no first-start pages.
_PROFILE = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry">
<item oor:path="/org.openoffice.Office.Common/Security/Scripting"><prop oor:name="MacroSecurityLevel" oor:op="fuse"><value>3</value></prop></item>
<item oor:path="/org.openoffice.Office.Common/Security/Scripting"><prop oor:name="DisableMacrosExecution" oor:op="fuse"><value>true</value></prop></item>
<item oor:path="/org.openoffice.Office.Common/Security/Scripting"><prop oor:name="DisableActiveContent" oor:op="fuse"><value>true</value></prop></item>
<item oor:path="/org.openoffice.Office.Common/Security/Scripting"><prop oor:name="BlockUntrustedRefererLinks" oor:op="fuse"><value>true</value></prop></item>
<item oor:path="/org.openoffice.Office.Common/Misc"><prop oor:name="FirstRun" oor:op="fuse"><value>false</value></prop></item>
<item oor:path="/org.openoffice.Office.Recovery/RecoveryInfo"><prop oor:name="Enabled" oor:op="fuse"><value>false</value></prop></item>
<item oor:path="/org.openoffice.Setup/Office"><prop oor:name="ooSetupInstCompleted" oor:op="fuse"><value>true</value></prop></item>
</oor:items>
"""  # noqa: E501  as LibreOffice writes it
_NOT_LOADED = "could not be loaded"
# SIGKILL, from us or through LibreOffice's starter.
_KILLED = (-9, 137)
# SIGXFSZ, of a file that reached its limit
_TOO_LARGE = (-25, 153)


def run(work: Work) -> dict[str, Any]:
    source = _prepare(work)
    printed, code = _convert(work, source)
    pdf = work.folder / "out" / f"{source.stem}.pdf"
    if not pdf.exists() or pdf.stat().st_size == 0:
        if _NOT_LOADED in printed:
            raise FileError("corrupt", reason="LibreOffice cannot read it")
        if code in _KILLED:
            raise FileError("killed")
        if code in _TOO_LARGE:
            raise FileError("output_too_large")
        if code != 0:
            raise FileError("crashed", exit_code=code, printed=printed[-300:])
        raise FileError("empty_output", printed=printed[-300:])
    if pdf.stat().st_size >= work.output_bytes:
        raise FileError("output_too_large")
    try:
        document = open_pdf(str(pdf))
        if is_blank(document):
            raise FileError("empty_output")
    except FileError as error:
        if error.code == "corrupt":  # LibreOffice died while it wrote
            raise FileError("crashed", reason="the PDF is not whole") from error
        raise
    pages = len(document)
    check_pages(work, pages)
    with pdf.open("rb") as file:
        shutil.copyfileobj(file, work.output, 1024 * 1024)
    return {"pages": pages}


def _prepare(work: Work) -> Path:
    """Make LibreOffice's folders; return the document, in UTF-8 if it is a text."""
    for name in ("profile/user", "home", "tmp", "out"):
        (work.folder / name).mkdir(parents=True, exist_ok=True)
    (work.folder / "profile/user/registrymodifications.xcu").write_text(_PROFILE, encoding="utf-8")
    if work.kind not in _TEXTS:
        return work.input
    source = work.folder / f"text.{work.kind}"
    with (
        work.input.open(encoding=work.arguments["encoding"], newline="") as old,
        source.open("w", encoding="utf-8", newline="") as new,
    ):
        shutil.copyfileobj(old, new, 1024 * 1024)
    return source


def _convert(work: Work, source: Path) -> tuple[str, int]:
    separator = ord(work.arguments.get("separator") or ",")
    filters = {
        "txt": ["--infilter=Text (encoded):UTF8,LF,,,"],
        # As a document: the export of "Writer/Web" without a screen has blank pages.
        "html": ["--infilter=HTML (StarWriter)"],
        "csv": [f"--infilter=Text - txt - csv (StarCalc):{separator},{_QUOTE},{_UTF8},1"],
    }
    command = [
        work.arguments["soffice"],
        f"-env:UserInstallation=file://{work.folder}/profile",
        "--headless", "--norestore", "--nolockcheck", "--nodefault", "--nologo", "--nofirststartwizard",
        *filters.get(work.kind, []),
        "--convert-to", "pdf:writer_pdf_Export" if work.kind == "html" else "pdf",
        "--outdir", str(work.folder / "out"), str(source),
    ]  # fmt: skip
    environment = {
        "HOME": str(work.folder / "home"), "TMPDIR": str(work.folder / "tmp"), "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8", "SAL_USE_VCLPLUGIN": "svp",
    }  # fmt: skip
    log = work.folder / "log"
    with log.open("wb") as file:
        code = subprocess.call(  # noqa: S603  our own arguments
            command, stdin=subprocess.DEVNULL, stdout=file, stderr=file, env=environment, cwd=work.folder
        )
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 4000), os.SEEK_SET)
        return file.read().decode("utf-8", "replace"), code
