"""Converters, one file each. CONTRIBUTING.md has the recipe for a new one."""

from conversion.converters._base import (
    CONVERTERS,
    Converter,
    Parameters,
    find_chain,
    register,
)

__all__ = ["CONVERTERS", "Converter", "Parameters", "find_chain", "register"]
