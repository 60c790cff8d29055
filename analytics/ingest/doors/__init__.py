"""The protocols in which events come in: a file each. CONTRIBUTING.md has the recipe for another.

A door translates its protocol's requests into our events, and our answers into its own. Reading and bounding
bodies, rates, keys, rules, validation and publishing are the same for all (analytics/ingest/app.py).
"""

from analytics.ingest.answers import Answer
from analytics.ingest.doors._base import (
    DOORS,
    IGNORED,
    UNUSED,
    Door,
    Refusal,
    Sent,
    Taken,
    json_answer,
    register,
)

__all__ = [
    "DOORS",
    "IGNORED",
    "UNUSED",
    "Answer",
    "Door",
    "Refusal",
    "Sent",
    "Taken",
    "json_answer",
    "register",
]
