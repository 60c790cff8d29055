"""The models of meeteasy/core, where Django looks for them."""

from meeteasy.core.releases import Release
from meeteasy.core.tokens import ApiToken

__all__ = ["ApiToken", "Release"]
