"""Where Django finds the models of meeteasy/core."""

from meeteasy.core.tokens import ApiToken

__all__ = ["ApiToken"]
