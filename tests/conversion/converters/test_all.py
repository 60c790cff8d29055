"""Every converter makes something of a sample of every kind that it accepts."""

import io
from typing import Any

import pytest

from conversion.converters import CONVERTERS
from conversion.converters._base import read_parameters
from conversion.inspecting import kinds
from conversion.inspecting.detecting import inspect
from conversion.problems import ConversionError
from tests.conversion import documents
from tests.conversion.conftest import Start, needs_libreoffice, needs_sandbox, read_output

pytestmark = [pytest.mark.django_db, needs_sandbox]

# The others are made of these by LibreOffice (test_pdf.py).
SAMPLES = {
    "docx": documents.make_docx(), "xlsx": documents.make_xlsx(), "pptx": documents.make_pptx(),
    "odt": documents.make_odt(), "fodt": documents.make_fodt(), "rtf": b"{\\rtf1\\ansi Agenda}",
    "csv": "姓名,人数\n张伟,3\n".encode("gb18030"), "txt": b"Agenda\n", "html": b"<html><p>Agenda",
    "pdf": documents.make_pdf(),
    **{kind: documents.make_picture(format=kind.upper()) for kind in kinds.PICTURES - {"heic"}},
}  # fmt: skip
PAIRS = [
    pytest.param(target, kind, id=f"{kind}-{target}", marks=needs_libreoffice if kind in kinds.OFFICE else ())
    for target, converter in CONVERTERS.items()
    for kind in sorted(converter.accepts & SAMPLES.keys())
]


@pytest.mark.parametrize(("target", "kind"), PAIRS)
def test_a_sample_of_each_kind_is_converted(target: str, kind: str, work_off: Start) -> None:
    converter = CONVERTERS[target]
    job = work_off(SAMPLES[kind], f"sample.{kind}", target, **converter.example)
    output = read_output(job)
    assert job.kind == kind
    assert len(output) == job.output_bytes > 0
    assert job.facts


@pytest.mark.parametrize("target", [target for target, _ in CONVERTERS.items()])
def test_a_result_has_the_type_it_is_sent_as(target: str, work_off: Start) -> None:
    converter = CONVERTERS[target]
    if not converter.accepts & {"pdf", "png"}:
        pytest.skip("needs LibreOffice, see above")
    kind = "pdf" if "pdf" in converter.accepts else "png"
    output = read_output(work_off(SAMPLES[kind], f"sample.{kind}", target, **converter.example))
    extension, _ = converter.output_type(read_parameters(target, converter.example))
    if extension == "zip":
        assert output.startswith(b"PK")
    else:
        assert kinds.read_extension(f"x.{extension}") == look(output, extension)


def look(output: bytes, extension: str) -> Any:
    try:
        return inspect(io.BytesIO(output), f"x.{extension}").kind
    except ConversionError as error:
        return str(error)
