"""The opens of a visitor, indexed so that a registration need not read all of them."""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from operator import attrgetter
from typing import Protocol

import msgspec

# The time of an event: (UTC milliseconds, event id). Moments sort in the order of events.
Moment = tuple[int, str]


class Open(msgspec.Struct, frozen=True, gc=False):
    """An open of a code by a visitor. key: `<conference id>/<code>`. is_early: see sharing/models."""

    key: str
    moment: Moment
    visitor: str = ""
    is_bot: bool = False
    chain_digest: str = ""
    is_early: bool = False


class _Link(Protocol):
    sharer: str

    @property
    def first(self) -> Moment: ...


_by_moment = attrgetter("moment")


class Opens:
    """The opens of one visitor in one conference, under the current tree.

    An open counts once both it and the first share of its link have happened. Sorted by that time, the latest
    open so far is the answer for every registration up to the next entry. So n opens and m registrations cost
    (n + m) log n, in any order of arrival.
    """

    def __init__(self, opens: Sequence[Open], get_link: Callable[[str], _Link | None]) -> None:
        """Index the opens, which may come in any order and include bot opens."""
        self._all = sorted(opens, key=_by_moment)
        self._first_ms: dict[str, int] = {}
        # Opens that happened before the first share of their link, by event time.
        self.ahead: list[Open] = []
        theirs: list[tuple[Moment, Open]] = []
        own: list[tuple[Moment, Open]] = []
        for item in self._all:
            if item.is_bot:
                continue
            self._first_ms.setdefault(item.key, item.moment[0])
            link = get_link(item.key)
            if link is None:
                continue
            if link.first > item.moment:
                self.ahead.append(item)
            (own if link.sharer == item.visitor else theirs).append((max(item.moment, link.first), item))
        self._theirs, self._own = _latest_so_far(theirs), _latest_so_far(own)

    def __len__(self) -> int:
        return len(self._all)

    def before(self, moment: Moment) -> Iterator[Open]:
        """All opens before a moment, the latest first."""
        end = bisect_left(self._all, moment, key=_by_moment)
        return (self._all[place] for place in range(end - 1, -1, -1))

    def last_before(self, moment: Moment) -> Open | None:
        """The last open before a moment, among codes of other sharers that were shared by then."""
        return _find(self._theirs, moment)

    def last_own_before(self, moment: Moment) -> Open | None:
        """The last open before a moment, among the visitor's own codes."""
        return _find(self._own, moment)

    def was_opened_before(self, key: str, ms: int) -> bool:
        """Whether the visitor opened this code before an instant."""
        first_ms = self._first_ms.get(key)
        return first_ms is not None and first_ms < ms


_Latest = tuple[list[Moment], list[Open]]


def _latest_so_far(found: list[tuple[Moment, Open]]) -> _Latest:
    found.sort(key=lambda pair: pair[0])
    opens = [item for _, item in found]
    latest: list[Open] = list(accumulate(opens, lambda a, b: max(a, b, key=_by_moment)))
    return [moment for moment, _ in found], latest


def _find(latest: _Latest, moment: Moment) -> Open | None:
    moments, opens = latest
    end = bisect_left(moments, moment)
    return opens[end - 1] if end else None
