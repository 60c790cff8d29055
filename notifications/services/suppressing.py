"""The list of suppressed addresses: adding to it and removing from it."""

from notifications.models import Suppression, normalise_address


def suppress(*, channel: str, address: str, scope: str, reason: str, conference_id: str = "") -> None:
    """Put an address on the list; once is enough. conference_id: "" for all conferences."""
    Suppression.objects.get_or_create(
        channel=channel,
        address=normalise_address(address),
        scope=scope,
        conference_id=conference_id,
        defaults={"reason": reason},
    )


def unsuppress(*, channel: str, address: str, scope: str, conference_id: str = "") -> None:
    """Take an address off the list; it does not matter if it is not on it."""
    Suppression.objects.filter(
        channel=channel, address=normalise_address(address), scope=scope, conference_id=conference_id
    ).delete()
