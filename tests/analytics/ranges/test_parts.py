"""Distinct visitors, also where halves of their ids are equal, and files that are cut while they are read."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.ranges import queries
from analytics.ranges.building import build_segment
from analytics.ranges.columns import CONTEXT_FIELDS, SOURCE_FIELDS, DamagedError, EventRow
from analytics.ranges.files import SegmentFile
from analytics.ranges.parts import number_visitors

HALVES = st.sampled_from([0, 1, 2, 2**63, 2**64 - 1])


@given(ids=st.lists(st.tuples(HALVES, HALVES), max_size=40))
def test_visitors_are_told_apart_by_both_halves(ids: list[tuple[int, int]]) -> None:
    halves = np.array(ids, dtype=np.uint64).reshape(-1, 2)
    order, numbers = number_visitors(halves[:, 0], halves[:, 1])
    ordered = [ids[place] for place in order.tolist()]
    assert sorted(order.tolist()) == list(range(len(ids)))
    assert dict(zip(ordered, numbers.tolist(), strict=True)) == {
        id: number for number, id in enumerate(sorted(set(ids)))
    }
    # Those of one visitor stay in the order of days.
    for id in set(ids):
        places = [place for place in order.tolist() if ids[place] == id]
        assert places == sorted(places)


@pytest.mark.parametrize("marks", [0, 1_000])
@given(pairs=st.lists(st.tuples(st.integers(0, 6), st.integers(0, 4)), max_size=40))
def test_distinct_visitors_of_values(marks: int, pairs: list[tuple[int, int]]) -> None:
    found = np.array(pairs, dtype=np.int32).reshape(-1, 2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(queries, "_MARKS", marks)
        counts = queries.count_distinct(found[:, 0].astype(np.uint8), found[:, 1], 7, 5)
    assert counts.tolist() == [len({who for value, who in pairs if value == number}) for number in range(7)]


def event(key: str, ts: int, visitor: str, page: str = "/") -> EventRow:
    source, context = ("",) * len(SOURCE_FIELDS), ("",) * len(CONTEXT_FIELDS)
    return EventRow(key, "page_view", ts, visitor, False, page, "", source, context)


def test_events_of_one_millisecond_are_in_the_order_of_their_keys(tmp_path: Path) -> None:
    rows = [event("c", 7, "ann", "/c"), event("a", 7, "ann", "/a"), event("b", 7, "ann", "/b"),
            event("d", 6, "ann", "/d"), event("e", 7, "", "/e"), event("0", 8, "ann", "/0")]  # fmt: skip
    assert build_segment(tmp_path / "day", rows, midnight_ms=0) == len(rows)
    with SegmentFile(str(tmp_path / "day")) as file:
        pages = file.read_texts("page")
        assert [pages[number] for number in file.read("page", 0, 6)] == ["/d", "/a", "/b", "/c", "/0", "/e"]
        assert (file.header.fences[-1], file.header.row_fences[-1]) == (1, 5)


def test_a_day_without_events_has_a_file(tmp_path: Path) -> None:
    assert build_segment(tmp_path / "day", [], midnight_ms=0) == 0
    with SegmentFile(str(tmp_path / "day")) as file:
        assert file.header.fences[-1] == 0
        assert not len(file.read("ts", 0, 0))


@pytest.mark.parametrize("size", [0, 5, 200, -1])
def test_a_cut_file_is_noticed_while_it_is_read(tmp_path: Path, size: int) -> None:
    path = tmp_path / "day"
    build_segment(path, [event("a", 7, "ann")], midnight_ms=0)
    content = path.read_bytes()
    path.write_bytes(content[:size])
    with pytest.raises(DamagedError):
        read_all_texts(path)


def read_all_texts(path: Path) -> None:
    with SegmentFile(str(path)) as file:
        for name in file.header.texts:
            file.read_texts(name)
