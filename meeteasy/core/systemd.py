"""What a process tells systemd: that it is ready, and that it does its work (sd_notify(3)).

Units of `Type=notify` (deploy/systemd) set the two variables that are read here. Without them nothing is
sent.
"""

import os
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress


def notify(state: str) -> None:
    """Send `READY=1`, `WATCHDOG=1`, `STOPPING=1` or `STATUS=…`. A supervisor that is away stops nothing."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):  # an abstract socket
        address = "\0" + address[1:]
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.settimeout(1)
        sender.sendto(state.encode(), address)


def watchdog_seconds() -> float | None:
    """How long systemd waits for a `WATCHDOG=1` before it kills the unit; None: it does not watch.

    A child process may answer for its unit, so WATCHDOG_PID, which names the main one, is not read.
    """
    try:
        seconds = int(os.environ.get("WATCHDOG_USEC", "0")) / 1_000_000
    except ValueError:
        return None
    return seconds if seconds > 0 else None


def feed_watchdog_while(is_well: Callable[[], bool]) -> None:
    """Ask `is_well` four times in the watchdog's time, from a thread, and tell systemd while it says yes."""
    seconds = watchdog_seconds()
    if seconds is None:
        return

    def feed() -> None:
        while True:
            if is_well():
                notify("WATCHDOG=1")
            time.sleep(seconds / 4)

    threading.Thread(target=feed, daemon=True, name="watchdog").start()
