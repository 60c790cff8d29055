"""What can be wrong with a batch or an event, and what the client is told about it."""

import msgspec


class BatchError(Exception):
    """The batch as a whole cannot be taken. `code` is one of the API's error codes."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class EventError(Exception):
    """One event cannot be taken. `field` names the field at fault, if there is one."""

    def __init__(self, code: str, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.code, self.message, self.field = code, message, field


class Rejection(msgspec.Struct, omit_defaults=True):
    """Why one event was not taken.

    index: its place in the batch; None: the batch's own `sent_at`, which costs no event.
    field: the field at fault, if there is one.
    """

    index: int | None
    code: str
    message: str
    field: str | None = None


class Notice(msgspec.Struct, omit_defaults=True):
    """What is odd about an event that was taken: a warning in the answer. Fields as in Rejection."""

    index: int | None
    code: str
    message: str
    field: str | None = None
