"""Killing a worker at the worst moment: when it has read entries of the stream and not finished them."""

import psutil
import redis

from tests.support.system import System


def kill_with_entries_in_hand(system: System, name: str) -> None:
    """Kill (-9) a worker that has read entries but not finished them."""
    (pool,) = psutil.Process(system.processes[name].pid).children()

    def holds_entries() -> bool:
        pool.suspend()
        if _entries_of(system, pool.pid):
            return True
        pool.resume()
        return False

    system.wait_for(holds_entries, f"{name} to be at work", every=0.01)
    system.kill(name)
    assert _entries_of(system, pool.pid)


def _entries_of(system: System, pid: int) -> int:
    """Return how many entries this process holds; none before a worker has made the group."""
    try:
        consumers = system.redis().xinfo_consumers("stream:analytics.events", "workers")
    except redis.ResponseError:
        return 0
    return sum(item["pending"] for item in consumers if f":{pid}:" in item["name"].decode())
