"""The shape of all errors, and refusals with a code of their own."""

from typing import Any


def error_body(code: str, message: str, details: Any = None) -> dict[str, Any]:
    """`{"error": {"code", "message", "details"}}`: the shape of every error of the API."""
    return {"error": {"code": code, "message": message, "details": details}}


class RefusedError(Exception):
    """An action is not possible. `code` names the reason; `details` has more for programs.

    status: the HTTP status that the API answers with.
    """

    def __init__(self, code: str, message: str, *, status: int = 409, **details: Any) -> None:
        super().__init__(message)
        self.code, self.message, self.status, self.details = code, message, status, details
