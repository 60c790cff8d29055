"""Providers that write the text of a page, one file each: `PROVIDERS[settings.PAGE_PROVIDER]`."""

from dataclasses import dataclass
from typing import Protocol

from meeteasy.core.registry import Registry
from visuspace.brief import Brief
from visuspace.prose import Prose

# Part of a job's key: raise it when the instructions change, and “generate” asks again.
PROMPT_VERSION = 1


@dataclass(frozen=True)
class Written:
    """What a provider wrote, and what it used up.

    cost: in the currency of the configured prices. is_verbatim: it is the organizer's own text, so nothing in
    it is invented.
    """

    prose: Prose
    is_verbatim: bool = False
    tokens_in: int = 0
    tokens_out: int = 0
    cost: float = 0.0


class ProviderError(Exception):
    """No text.

    code: for programs and the organizer's screen. permanent: trying again cannot help. retry_after_seconds:
    how long the provider asked us to wait. tokens_in, tokens_out, cost: used up all the same.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        permanent: bool,
        retry_after_seconds: float | None = None,
        tokens_in: int = 0,
        tokens_out: int = 0,
        cost: float = 0.0,
    ) -> None:
        super().__init__(message)
        self.code, self.permanent, self.retry_after_seconds = code, permanent, retry_after_seconds
        self.tokens_in, self.tokens_out, self.cost = tokens_in, tokens_out, cost


class Provider(Protocol):
    """A way to get a text."""

    @property
    def model(self) -> str:
        """The name of the model, part of a job's key. "" if there is none."""

    def write(self, brief: Brief, *, deadline_seconds: float) -> Written:
        """Write the text of a page within the time. Raises ProviderError."""


PROVIDERS: Registry[Provider] = Registry("visuspace.providers")
