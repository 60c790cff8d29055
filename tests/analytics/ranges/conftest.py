"""A place of its own for the segments of each test."""

import copy
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(autouse=True)
def segments_directory(tmp_path: Path, settings: Any) -> Path:
    storages = copy.deepcopy(settings.STORAGES)
    storages["segments"]["OPTIONS"] = {"location": tmp_path / "segments"}
    settings.STORAGES = storages
    return tmp_path / "segments"
