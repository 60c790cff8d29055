"""What is read from user agents, Chinese ones above all."""

import pytest

from analytics.context.agents import Agent, read_agent
from tests.analytics.context.agents import AGENTS


@pytest.mark.parametrize(("text", "expected"), AGENTS)
def test_browser_system_device_and_app_are_read(text: str, expected: tuple[str, ...]) -> None:
    assert read_agent(text) == Agent(*expected)


@pytest.mark.parametrize("text", ["", "x", "\ud800\x00", "Mozilla/5.0", "(" * 10_000])
def test_an_agent_that_says_nothing_is_empty(text: str) -> None:
    assert read_agent(text) == Agent("", "", "", "")


def test_a_program_is_its_own_browser_without_device() -> None:
    assert read_agent("curl/8.5.0") == Agent("curl", "", "", "")


def test_only_the_beginning_of_an_agent_is_read() -> None:
    assert read_agent("x" * 600 + AGENTS[0][0]).browser == ""
