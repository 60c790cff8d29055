from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.live.client import OpenLive


@pytest.fixture
def open_live() -> Iterator[OpenLive]:
    with ExitStack() as stack:
        yield OpenLive(stack)
