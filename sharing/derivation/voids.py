"""Find the links that an organizer voided, either directly or with their sharer."""

from collections.abc import Iterable

from sharing.models import Void
from sharing.rules.forest import Node


def set_void(nodes: Iterable[Node]) -> list[Node]:
    """Set `is_void` of these links by the current decisions. Returns the links that changed."""
    found = list(nodes)
    if not found:
        return []
    voids = set(
        Void.objects.filter(
            conference_id__in={node.id.partition("/")[0] for node in found},
            kind__in=[Void.Kind.LINK, Void.Kind.SHARER],
            undone_at__isnull=True,
        ).values_list("conference_id", "kind", "key")
    )
    changed = []
    for node in found:
        conference_id, _, code = node.id.partition("/")
        is_void = int(
            (conference_id, Void.Kind.LINK, code) in voids
            or (conference_id, Void.Kind.SHARER, node.sharer) in voids
        )
        if is_void != node.is_void:
            node.is_void = is_void
            changed.append(node)
    return changed
