"""Options that all programs share, medians, targets, and the JSON result."""

import argparse
import datetime as dt
import json
import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
RESULTS = ROOT / "benchmarks" / "results"


def make_parser(description: str | None, *, rounds: int) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=rounds, help="interleaved rounds, for the medians")
    parser.add_argument(
        "--smoke", action="store_true", help="everything once, tiny and in seconds; the figures mean nothing"
    )
    parser.add_argument("--output", type=Path, help="JSON result (default benchmarks/results/<program>.json)")
    return parser


def median(values: Iterable[float]) -> float:
    return statistics.median(values)


def target(name: str, value: float, *, at_least: float | None = None, at_most: float | None = None) -> dict:
    """A figure with the bound that it is to keep."""
    met = (at_least is None or value >= at_least) and (at_most is None or value <= at_most)
    bound = {"at_least": at_least} if at_least is not None else {"at_most": at_most}
    return {"name": name, "value": round(value, 3), **bound, "met": met}


def write_report(
    program: str,
    options: argparse.Namespace,
    *,
    results: Any,
    targets: Sequence[Mapping[str, Any]],
) -> None:
    """Print the targets and write everything as JSON. A smoke run writes only where it is told to."""
    print()
    for item in targets:
        bound = f">= {item['at_least']}" if "at_least" in item else f"<= {item['at_most']}"
        print(f"{'ok    ' if item['met'] else 'MISSED'} {item['name']}: {item['value']:g} ({bound})")
    report = {
        "program": program,
        "at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "commit": _commit_at_start,
        "smoke": options.smoke,
        "rounds": options.rounds,
        "machine": {
            "cpu": _cpu_model(),
            "cores": os.cpu_count(),
            "cores_used": len(os.sched_getaffinity(0)),
            "load_average_before_and_after": [_load_at_start, os.getloadavg()[0]],
            "python": platform.python_version(),
            "system": f"{platform.system()} {platform.machine()}",
        },
        "targets": list(targets),
        "results": results,
    }
    output = options.output or (None if options.smoke else RESULTS / f"{program}.json")
    if output is not None:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(json.dumps(report, indent=1) + "\n")
        print(f"written: {output.name}")
    sys.stdout.flush()


_load_at_start = os.getloadavg()[0]


def _commit() -> str:
    def git(*arguments: str) -> str:
        return subprocess.run(
            ["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
        ).stdout.strip()

    changed = git("status", "--porcelain", "--untracked-files=no")
    return git("rev-parse", "--short", "HEAD") + ("+changes" if changed else "")


def _cpu_model() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor()


_commit_at_start = _commit()  # it may be another when a long run ends
