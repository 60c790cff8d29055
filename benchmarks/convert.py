"""Documents a minute: each in a sandbox with a LibreOffice of its own, beside LibreOffice alone.

    python -m benchmarks.convert [--rounds 3] [--documents 24] [--mixed 200] [--smoke]

Interleaved rounds over the same documents, two at a time on two cores:
  shipped   conversion/sandbox: bubblewrap, a new profile, the result checked and counted by pdfium
  plain     soffice alone, a new profile for each document
  kept      soffice alone, with a profile that earlier documents have made
  one call  soffice alone, all documents in one call: no isolation between them, the limit of a warm pool

Then 200 good and bad files go through the whole system, with two processes of the worker. Afterwards memory,
processes and the temporary folder must be as they were.
"""

import os
import resource
import shutil
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil

from benchmarks.harness.processes import Lab, open_lab, use_two_cores
from benchmarks.harness.report import make_parser, median, target, write_report
from tests.conversion import documents

os.environ.setdefault("SECRET_KEY", "only-for-benchmarks")
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "meeteasy.settings")

AT_ONCE = 2
WARM_UP = 20
_TEXT = [documents.CHINESE, "Opening, coffee, and a talk about conferences. " * 8] * 6


def make_documents(count: int) -> list[tuple[str, bytes]]:
    """(kind, content), each different."""
    makers: list[tuple[str, Callable[[int], bytes]]] = [
        ("docx", lambda n: documents.make_docx([f"Agenda {n}", *_TEXT], pages=3)),
        (
            "xlsx",
            lambda n: documents.make_xlsx([["Name", "Count"], *([f"张伟 {n}", row] for row in range(60))]),
        ),
        ("pptx", lambda n: documents.make_pptx([f"Slide {n}.{number}" for number in range(6)])),
        ("odt", lambda n: documents.make_odt(f"<text:p>Agenda {n}</text:p>" * 40)),
    ]
    return [(kind, make(number)) for number in range(count) for kind, make in [makers[number % len(makers)]]]


def make_bad(number: int) -> tuple[str, bytes]:
    bad = [
        ("docx", documents.random_bytes()),
        ("docx", documents.make_docx([f"cut {number}"])[:-700]),
        ("docx", documents.protect(documents.make_docx([f"secret {number}"]))),
        ("docx", documents.make_zip_bomb(megabytes=60)),
        ("csv", b"\n"),
    ]
    return bad[number % len(bad)]


# --- Ways to convert -------------------------------------------------------------------------------------


def convert_shipped(kind: str, content: bytes) -> int:
    from conversion import store
    from conversion.converters import CONVERTERS
    from conversion.inspecting.detecting import inspect
    from conversion.sandbox.running import run

    source, output = store.make_temporary(), store.make_temporary()
    with source, output:
        source.write(content)
        program = CONVERTERS["pdf"].prepare(None, inspect(source, f"a.{kind}"))
        run(program, source=source, output=output, keep_alive=lambda: None, show_progress=lambda *_: None)
        return output.seek(0, os.SEEK_END)


def call_soffice(folder: Path, profile: Path, files: list[Path]) -> None:
    subprocess.run(
        ["soffice", f"-env:UserInstallation=file://{profile}", "--headless", "--norestore",
         "--convert-to", "pdf", "--outdir", str(folder), *map(str, files)],
        check=True, capture_output=True,
    )  # fmt: skip


def convert_plain(kind: str, content: bytes, *, kept: Path | None = None) -> int:
    with tempfile.TemporaryDirectory(prefix="meeteasy-bench-") as name:
        folder = Path(name)
        if kept is not None:
            shutil.copytree(kept, folder / "profile")
        (folder / f"a.{kind}").write_bytes(content)
        call_soffice(folder, folder / "profile", [folder / f"a.{kind}"])
        return (folder / "a.pdf").stat().st_size


def convert_in_one_call(files: list[tuple[str, bytes]]) -> None:
    with tempfile.TemporaryDirectory(prefix="meeteasy-bench-") as name:
        folder = Path(name)
        paths = [folder / f"{number}.{kind}" for number, (kind, _) in enumerate(files)]
        for path, (_, content) in zip(paths, files, strict=True):
            path.write_bytes(content)
        call_soffice(folder, folder / "profile", paths)
        assert all(path.with_suffix(".pdf").stat().st_size for path in paths)


def make_kept_profile(folder: Path, files: list[tuple[str, bytes]]) -> Path:
    for number, (kind, content) in enumerate(files):
        path = folder / f"{number}.{kind}"
        path.write_bytes(content)
        call_soffice(folder, folder / "profile", [path])
    return folder / "profile"


def measure(work: Callable[[], Any], count: int) -> dict[str, float]:
    """Documents a minute, and processor seconds of each document."""

    def cpu() -> float:
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return used.ru_utime + used.ru_stime

    started, before = time.perf_counter(), cpu()
    work()
    seconds = time.perf_counter() - started
    return {"per_minute": 60 * count / seconds, "processor_seconds": (cpu() - before) / count}


def compare(options: Any) -> dict[str, Any]:
    files = make_documents(options.documents)
    pool = ThreadPoolExecutor(AT_ONCE)
    with tempfile.TemporaryDirectory(prefix="meeteasy-bench-") as name:
        kept = make_kept_profile(Path(name), files[:4])
        halves = [files[number::AT_ONCE] for number in range(AT_ONCE)]
        ways: dict[str, Callable[[], Any]] = {
            "shipped": lambda: list(pool.map(lambda file: convert_shipped(*file), files)),
            "plain": lambda: list(pool.map(lambda file: convert_plain(*file), files)),
            "kept": lambda: list(pool.map(lambda file: convert_plain(*file, kept=kept), files)),
            "one call": lambda: list(pool.map(convert_in_one_call, halves)),
        }
        rounds: list[dict[str, dict[str, float]]] = []
        for _ in range(options.rounds):
            rounds.append({way: measure(work, len(files)) for way, work in ways.items()})
            print({way: round(found["per_minute"]) for way, found in rounds[-1].items()}, flush=True)
    pool.shutdown()
    medians = {
        way: {figure: round(median(one[way][figure] for one in rounds), 2) for figure in rounds[0][way]}
        for way in ways
    }
    return {"medians": medians, "rounds": rounds}


# --- The whole system ------------------------------------------------------------------------------------


def upload(lab: Lab, kind: str, content: bytes) -> None:
    answer = lab.http.post(
        "/api/conversions", data={"conference_id": "test", "target": "pdf"},
        files={"file": (f"agenda.{kind}", content)}, headers={"Authorization": f"Token {lab.token()}"},
    )  # fmt: skip
    assert answer.status_code == 202, answer.text


def work_off(lab: Lab, files: list[tuple[str, bytes]], before: int) -> float:
    """Upload all, wait until none waits; returns the seconds."""
    started = time.perf_counter()
    for kind, content in files:
        upload(lab, kind, content)

    def is_done() -> bool:
        ((count,),) = lab.query(
            "SELECT count(*) FROM conversion_conversionjob WHERE status IN ('done', 'failed')"
        )
        return bool(count == before + len(files))

    lab.wait_for(is_done, "all files", seconds=1800, every=0.2)
    return time.perf_counter() - started


def state_of(lab: Lab) -> dict[str, Any]:
    """Memory of the worker's processes, its open files, and what lies in the temporary folder."""
    worker = psutil.Process(lab.processes["files"].pid)
    tree = [worker, *worker.children(recursive=True)]
    return {
        "memory_mb": sum(process.memory_full_info().uss for process in tree) / 1e6,
        "open_files": sum(process.num_fds() for process in tree),
        "processes": len(tree),
        "temporary": sorted(set(os.listdir(tempfile.gettempdir())) - {lab.directory.name}),
    }


def endure(options: Any) -> dict[str, Any]:
    good = make_documents(options.mixed)
    mixed = [make_bad(number) if number % 3 == 2 else file for number, file in enumerate(good)]
    with open_lab(CONVERT_MAX_WAITING=str(options.mixed + WARM_UP)) as lab:
        lab.start("web", "files", "beat")
        warm_up = [("docx", documents.make_docx([f"warm {number}"])) for number in range(WARM_UP)]
        warm_up += [make_bad(number) for number in range(5)]
        work_off(lab, warm_up, 0)
        time.sleep(2)
        before = state_of(lab)
        seconds = work_off(lab, mixed, len(warm_up))
        time.sleep(2)
        after = state_of(lab)
        rows = lab.query("SELECT status, error_code FROM conversion_conversionjob")
    return {
        "seconds": round(seconds, 1), "per_minute": round(60 * len(mixed) / seconds, 1),
        "codes": dict(Counter(code or status for status, code in rows)),
        "memory_mb": [round(before["memory_mb"], 1), round(after["memory_mb"], 1)],
        "open_files": [before["open_files"], after["open_files"]],
        "processes": [before["processes"], after["processes"]],
        "left_in_temporary": len(set(after["temporary"]) - set(before["temporary"])),
    }  # fmt: skip


def main() -> None:
    parser = make_parser(__doc__, rounds=3)
    parser.add_argument("--documents", type=int, default=24)
    parser.add_argument("--mixed", type=int, default=200)
    options = parser.parse_args()
    if options.smoke:
        options.rounds, options.documents, options.mixed = 1, 4, 6
    use_two_cores()
    import django

    django.setup()
    compared = compare(options)
    endured = endure(options)
    print(endured)
    found = compared["medians"]
    growth = endured["memory_mb"][1] / endured["memory_mb"][0]
    left = endured["left_in_temporary"] + abs(endured["processes"][1] - endured["processes"][0])
    targets = [
        target("documents a minute, shipped / soffice alone",
               found["shipped"]["per_minute"] / found["plain"]["per_minute"], at_least=0.85),
        target("memory of the worker after the mixed files / before", growth, at_most=1.05),
        target("temporary files and processes left, plus 1", left + 1, at_most=1),
    ]  # fmt: skip
    write_report("convert", options, results={"compared": compared, "mixed": endured}, targets=targets)


if __name__ == "__main__":
    main()
