"""Adding addresses to the suppression list and removing them."""

from notifications.models import Suppression, normalise_address


def suppress(*, channel: str, address: str, scope: str, reason: str, conference_id: str = "") -> None:
    """Add an address to the list. Repeating it changes nothing. conference_id: "" for all conferences."""
    Suppression.objects.get_or_create(
        channel=channel,
        address=normalise_address(address),
        scope=scope,
        conference_id=conference_id,
        defaults={"reason": reason},
    )


def unsuppress(*, channel: str, address: str, scope: str, conference_id: str = "") -> None:
    """Remove an address from the list, if it is there."""
    Suppression.objects.filter(
        channel=channel, address=normalise_address(address), scope=scope, conference_id=conference_id
    ).delete()
