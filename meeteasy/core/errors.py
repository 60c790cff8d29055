"""Refusals that have a name of their own in the API: `{"error": {"code": …}}`."""

from typing import Any


class RefusedError(Exception):
    """An action is not possible. `code` names why; `details` says more, for programs.

    status: the HTTP status that the API answers with.
    """

    def __init__(self, code: str, message: str, *, status: int = 409, **details: Any) -> None:
        super().__init__(message)
        self.code, self.message, self.status, self.details = code, message, status, details
