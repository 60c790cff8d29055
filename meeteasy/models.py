"""The models of meeteasy/core, where Django looks for them."""

from meeteasy.core.tokens import ApiToken

__all__ = ["ApiToken"]
