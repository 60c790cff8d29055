"""The processes of the Procfile under one supervisor, which ends them all together."""

import ctypes
import os
import shlex
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import honcho.compat
import honcho.environ
import honcho.manager
import honcho.printer
import honcho.process
from django.conf import settings

from meeteasy.core.queues import WORKER_OPTIONS, Queue

# How long a process that is no worker may take to end.
STOP_SECONDS = 60
# Beyond the longest task of a worker, which it finishes before it ends.
_GRACE_SECONDS = 10
# Some five processes count what they do: about a line a second in all.
_CALM_TALLY_SECONDS = 5
# honcho asks at each turn what is to be killed; `_Manager.kill` knows when.
honcho.manager.KILL_WAIT = 0


def stop_seconds(command: str) -> int:
    """How long a process of the Procfile may take to end: a worker as long as its queues' longest task."""
    queues = [Queue(word) for word in shlex.split(command) if word in set(Queue)]
    limits = [WORKER_OPTIONS[queue].time_limit_seconds for queue in queues]
    return max(limits) + _GRACE_SECONDS if limits else STOP_SECONDS


def end_with_parent(number: int) -> None:
    """Let the kernel send this process the signal when its parent ends, kill -9 included. Linux only."""
    if sys.platform == "linux":
        set_parent_death_signal = 1  # PR_SET_PDEATHSIG of <sys/prctl.h>; an exec keeps it
        ctypes.CDLL(None).prctl(set_parent_death_signal, number)


class _Process(honcho.process.Process):  # type: ignore[misc]
    """A process of the Procfile that does not outlive the supervisor. honcho starts a process for each and
    calls `run` in it."""

    def run(self, *args: Any, **kwargs: Any) -> None:
        self._supervisor = os.getppid()
        signal.signal(signal.SIGHUP, self._end)
        end_with_parent(signal.SIGHUP)
        super().run(*args, **kwargs)

    def _end(self, *_: Any) -> None:
        if os.getppid() == self._supervisor:
            return  # a terminal hung up, which does not concern a supervisor that was started with nohup
        if self._child is not None:
            self._child.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._child.wait(stop_seconds(self.cmd))
            with suppress(ProcessLookupError):
                os.killpg(self._child.pid, signal.SIGKILL)
        os._exit(1)


class _Processes(honcho.compat.ProcessManager):  # type: ignore[misc]
    def terminate(self, pid: int) -> None:
        """Ask the process alone to end. honcho asks its group, so a worker would lose its running task."""
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)


class Calm:
    """Lets a line a second pass, and a burst of some; the others are counted. Only lines of level info are
    left out, never warnings, errors, or what has no level."""

    def __init__(self, *, per_second: float = 1.0, burst: int = 30) -> None:
        self._per_second, self._burst = per_second, burst
        self._may = float(burst)
        self._asked_at: float | None = None
        self._left_out = 0

    def passes(self, line: str, *, now: float | None = None) -> bool:
        """now: monotonic seconds."""
        if not any(mark in line for mark in ("level=info", '"level": "info"')):
            return True
        now = time.monotonic() if now is None else now
        passed = now - self._asked_at if self._asked_at is not None else 0.0
        self._may = min(self._burst, self._may + passed * self._per_second)
        self._asked_at = now
        if self._may < 1:
            self._left_out += 1
            return False
        self._may -= 1
        return True

    def take_left_out(self) -> int:
        """How many lines were left out since this was last asked, once lines may pass again; else 0."""
        if self._may < 1:
            return 0
        left_out, self._left_out = self._left_out, 0
        return left_out


class _Printer(honcho.printer.Printer):  # type: ignore[misc]
    calm: Calm | None = None

    def write(self, message: Any) -> None:
        """Write, and go on if nobody reads it (`| tee` ends first at Ctrl-C) or the log's disk is full."""
        if self.calm is not None:
            line = (
                message.data.decode("utf-8", "replace") if isinstance(message.data, bytes) else message.data
            )
            if not self.calm.passes(line):
                return
            if left_out := self.calm.take_left_out():
                self._write(message._replace(data=f"{left_out} lines left out; LOG_LINES=all shows all\n"))
        self._write(message)

    def _write(self, message: Any) -> None:
        with suppress(OSError, ValueError):
            super().write(message)


class _Manager(honcho.manager.Manager):  # type: ignore[misc]
    def __init__(self) -> None:
        printer = _Printer(sys.stdout, time_format="")  # lines have a time stamp of their own
        if settings.LOG_LINES == "calm":
            printer.calm = Calm()
        super().__init__(printer)
        self._process_ctor = _Process
        self._procmgr = _Processes()
        self._asked_at: float | None = None  # when the processes were asked to end
        self._killed: set[str] = set()

    def _start(self) -> None:
        super()._start()
        ask = signal.getsignal(signal.SIGINT)  # honcho's own

        def interrupt(number: int, frame: Any) -> None:
            if self._asked_at is None:
                assert callable(ask)
                ask(number, frame)
            elif time.monotonic() - self._asked_at > 1:  # a terminal may send the first one twice
                self._system_print("not waiting any longer\n")
                self.kill(all_at_once=True)

        signal.signal(signal.SIGINT, interrupt)

    def terminate(self) -> None:
        if self._asked_at is None:
            self._asked_at = time.monotonic()
            self._system_print("stopping: workers finish their tasks. Ctrl-C again kills them\n")
        super().terminate()

    def kill(self, *, all_at_once: bool = False) -> None:
        """Kill those that take longer to end than they may."""
        waited = time.monotonic() - (self._asked_at or time.monotonic())
        for name, process in self._processes.items():
            is_running = "pid" in process and "returncode" not in process and name not in self._killed
            if is_running and (all_at_once or waited > stop_seconds(process["obj"].cmd)):
                self._killed.add(name)
                self._system_print(f"killing {name} after {waited:.0f} s\n")
                self._procmgr.kill(process["pid"])


def supervise(valkey: "subprocess.Popen[bytes] | None") -> int:
    """Run the Procfile until a signal comes or a process ends. Returns the exit code.

    When one process ends, all end: a half-running system that looks alive is worse than a stopped one.
    """
    manager = _Manager()
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "PYTHONUNBUFFERED": "1"}
    if settings.LOG_LINES == "calm":
        environment.setdefault("LOG_TALLY_SECONDS", str(_CALM_TALLY_SECONDS))
    procfile = honcho.environ.parse_procfile((settings.BASE_DIR / "Procfile").read_text())
    for name, command in procfile.processes.items():
        manager.add_process(name, f"exec {command}", env=environment, cwd=str(settings.BASE_DIR))
    ending, valkey_died = threading.Event(), threading.Event()
    if valkey is not None:

        def watch() -> None:
            valkey.wait()
            if not ending.is_set():
                valkey_died.set()
                os.kill(os.getpid(), signal.SIGTERM)  # as an operator would: the manager ends the others

        threading.Thread(target=watch, daemon=True).start()
    manager.loop()
    ending.set()
    if valkey_died.is_set():
        sys.stderr.write("Valkey ended by itself\n")
        return 1
    return int(manager.returncode or 0)
