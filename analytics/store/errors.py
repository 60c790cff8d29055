"""What can go wrong when events are stored."""


class StoreUnavailableError(Exception):
    """The database cannot be reached, or is too busy: nothing is wrong with the rows; try again later."""


class RowsRefusedError(Exception):
    """The database refuses at least one of the rows."""
