"""Who brought whom: reported facts, and the data derived from them.

The facts are ShareClaim, ShareOpen, ShareRegistration, RegistrationStanding and Void: reports, and decisions
of organizers. ShareLink, ShareConversion, Credit and NotCredited are derived from the facts alone
(sharing/rules/), so the order in which the facts arrive makes no difference (docs/sharing.md).

The key of a link is `<conference id>/<code>`. A fact can thus refer to a link that does not exist yet, and
codes of different conferences never clash. Instants are UTC milliseconds since 1970, as in the events.
"First", "last" and "before" go by the instant, then by the event's id.
"""

from sharing.models.derived import (
    ChannelCount,
    Credit,
    CreditSum,
    NotCredited,
    QuarterSum,
    QuarterVersion,
    ShareConversion,
    ShareLink,
)
from sharing.models.facts import RegistrationStanding, ShareClaim, ShareOpen, ShareRegistration, Void
from sharing.models.instants import instant
from sharing.models.pending import DirtyDayOutbox, PendingTotal, StaleRegistration, StaleSums

__all__ = [
    "ChannelCount",
    "Credit",
    "CreditSum",
    "DirtyDayOutbox",
    "NotCredited",
    "PendingTotal",
    "QuarterSum",
    "QuarterVersion",
    "RegistrationStanding",
    "ShareClaim",
    "ShareConversion",
    "ShareLink",
    "ShareOpen",
    "ShareRegistration",
    "StaleRegistration",
    "StaleSums",
    "Void",
    "instant",
]
