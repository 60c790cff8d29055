from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.visuspace.openai_server import ModelServer


@pytest.fixture
def model_server(settings: Any) -> Iterator[Callable[..., ModelServer]]:
    """Starts a server of a model, and makes it the provider."""
    started: list[ModelServer] = []

    def start(*answers: Any) -> ModelServer:
        started.append(ModelServer(*answers))
        settings.PAGE_PROVIDER, settings.AI_MODEL = "openai", "small"
        settings.AI_BASE_URL, settings.AI_API_KEY = started[-1].url, "secret"
        settings.OUTBOUND_PRIVATE_HOSTS = ["127.0.0.1"]
        return started[-1]

    yield start
    for server in started:
        server.close()
