"""`--processor-times=N`: the processor seconds of each test, all processes that it starts included.

At the end it prints the sum of each directory, and the N files and tests that cost most. This depends less
than `--durations` on what else the machine does. The first test of a module or session pays for what the
others share. Linux only: it reads /proc.
"""

import os
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
_PROPERTY = "processor_seconds"


def spent_seconds() -> float:
    """The processor seconds of this process and its descendants, living ones and those waited for."""
    ticks, pids = 0, [str(os.getpid())]
    while pids:
        process = Path("/proc") / pids.pop()
        try:
            # After the name in brackets: utime, stime, and both of children that were waited for (proc(5)).
            fields = (process / "stat").read_text().rpartition(")")[2].split()
            ticks += sum(map(int, fields[11:15]))
            for children in process.glob("task/*/children"):
                pids += children.read_text().split()
        except OSError:  # it ended meanwhile
            continue
    return ticks / _TICKS_PER_SECOND


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--processor-times", type=int, default=0, metavar="N",
        help="show the processor seconds of each directory, and the N files and tests that cost most",
    )  # fmt: skip


def pytest_configure(config: pytest.Config) -> None:
    if config.option.processor_times and Path("/proc/self/stat").exists():
        config.pluginmanager.register(_ProcessorTimes(config.option.processor_times))


class _ProcessorTimes:
    def __init__(self, shown: int) -> None:
        self.shown = shown
        self.counted = spent_seconds()
        self.of_tests: dict[str, float] = {}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
        """Measure where the test runs, which may be a worker of pytest-xdist; the report carries it."""
        if call.when == "teardown":
            before, self.counted = self.counted, spent_seconds()
            # A killed process takes along what was counted of it before.
            item.user_properties.append((_PROPERTY, max(0.0, self.counted - before)))
        return (yield)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        seconds = [value for name, value in report.user_properties if name == _PROPERTY]
        if report.when == "teardown":
            self.of_tests[report.nodeid] = float(sum(seconds))

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        of_files: dict[str, float] = defaultdict(float)
        of_directories: dict[str, float] = defaultdict(float)
        for name, seconds in self.of_tests.items():
            file = PurePosixPath(name.partition("::")[0])
            of_files[str(file)] += seconds
            of_directories["/".join(file.parent.parts[:2])] += seconds
        total = sum(self.of_tests.values())
        terminalreporter.section(f"processor seconds: {total:.0f} in all")
        for times, most in ((of_directories, None), (of_files, self.shown), (self.of_tests, self.shown)):
            for name, seconds in sorted(times.items(), key=lambda item: -item[1])[:most]:
                terminalreporter.write_line(f"{seconds:8.1f}  {name}")
            terminalreporter.write_line("")
