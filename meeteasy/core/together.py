"""Work that several threads ask for at once is done for all of them together."""

import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Item = TypeVar("Item")
Found = TypeVar("Found")

_LOCKS = 64


class Together(Generic[Key, Item, Found]):
    """Calls for a key that come while one for it is worked on wait, and are worked on as one.

    Work on a call begins after it came, so it finds whatever was committed before the call.
    work: gives what it found for each of some items of a key.
    """

    def __init__(self, work: Callable[[Key, list[Item]], list[Found]]) -> None:
        self._work = work
        self._lock = threading.Lock()
        self._waiting: dict[Key, list[tuple[Item, Future[Found]]]] = {}
        self._turns = [threading.Lock() for _ in range(_LOCKS)]

    def ask(self, key: Key, item: Item) -> Found:
        """What was found for the item; raises what the work raised."""
        future: Future[Found] = Future()
        with self._lock:
            self._waiting.setdefault(key, []).append((item, future))
        with self._turns[hash(key) % _LOCKS]:
            if not future.done():
                self._work_on(key)
        return future.result()

    def _work_on(self, key: Key) -> None:
        with self._lock:
            waiting = self._waiting.pop(key)
        try:
            found = self._work(key, [item for item, _ in waiting])
        except BaseException as error:
            for _, future in waiting:
                future.set_exception(error)
            return
        for (_, future), each in zip(waiting, found, strict=True):
            future.set_result(each)
