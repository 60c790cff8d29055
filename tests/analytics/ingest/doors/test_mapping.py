"""The table of names in docs/doors.md is the one that is used."""

import re

from analytics.event_types import EVENT_TYPES
from analytics.ingest.doors._mapping import NAMES, normalise
from tests.support.system import ROOT

_ROW = re.compile(r"^\| `(\w+)` \| (`.*`) \|$", re.MULTILINE)


def test_the_documented_names_are_the_names() -> None:
    text = (ROOT / "docs" / "doors.md").read_text(encoding="utf-8")
    documented = {
        normalise(name): kind
        for kind, names in _ROW.findall(text)
        for name in re.findall(r"`([^`]+)`", names)
    }
    spellings = {name: kind for name, kind in NAMES.items() if documented.get(name) != kind}
    assert not spellings, "not in the table, or under another type"
    assert documented.keys() <= NAMES.keys()


def test_names_become_types_that_clients_may_send() -> None:
    for kind in set(NAMES.values()):
        assert not EVENT_TYPES[kind].internal
