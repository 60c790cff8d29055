import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from conferences.models import Conference, Member

Browser = Callable[[User | None], Client]


@pytest.fixture(autouse=True)
def segments_directory(tmp_path: Path, settings: Any) -> None:
    """A place of its own for the segments of each test."""
    storages = copy.deepcopy(settings.STORAGES)
    storages["segments"]["OPTIONS"] = {"location": tmp_path / "segments"}
    settings.STORAGES = storages


@pytest.fixture
def browser() -> Browser:
    """`browser(alice)` is a browser in which Alice is signed in; `browser(None)` is anonymous."""

    def open_for(user: User | None) -> Client:
        client = Client()
        if user is not None:
            client.force_login(user)
        return client

    return open_for


@pytest.fixture
def helper(conference: Conference, bob: User, browser: Browser) -> Client:
    """The browser of Bob, who helps."""
    return browser(bob)


@pytest.fixture
def own_files(tmp_path: Path, settings: Any) -> None:
    """A place of its own for the files of conversions, which run without a sandbox."""
    settings.CONVERT_WITHOUT_SANDBOX = True
    backend = "django.core.files.storage.FileSystemStorage"
    settings.STORAGES = {
        **settings.STORAGES, "conversion": {"BACKEND": backend, "OPTIONS": {"location": tmp_path}}
    }  # fmt: skip


@pytest.fixture
def stella(conference: Conference) -> User:
    """A steward of the conference."""
    return _add(conference, "stella", Member.Role.STEWARD)


@pytest.fixture
def victor(conference: Conference) -> User:
    """A viewer of the conference."""
    return _add(conference, "victor", Member.Role.VIEWER)


def _add(conference: Conference, name: str, role: Member.Role) -> User:
    user = User.objects.create_user(name, f"{name}@example.com")
    Member.objects.create(conference=conference, user=user, role=role)
    return user
