"""How a registration's credit is divided among the links of its chain: a file per model.

CONTRIBUTING.md has the recipe for a new one.
"""

from sharing.rules.credit_models._base import (
    COLUMNS,
    CREDIT_MODELS,
    DEFAULT,
    SCALE,
    CreditModel,
    digest_models,
    register,
)

__all__ = ["COLUMNS", "CREDIT_MODELS", "DEFAULT", "SCALE", "CreditModel", "digest_models", "register"]
