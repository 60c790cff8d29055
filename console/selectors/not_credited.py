"""Codes that brought nobody credit, as the page lists them: whose link, whose registration, and why."""

from collections.abc import Sequence
from typing import Any

from conferences.models import Conference, Registration
from console.selectors.people import name_sharers
from sharing.models import NotCredited, ShareLink
from sharing.rules.reasons import REASON_LABELS
from sharing.selectors.not_credited import get_shown_reason


def describe_rows(conference: Conference, page: Sequence[NotCredited]) -> list[dict[str, Any]]:
    """Return the rows, with names where they are known. It takes a fixed number of queries."""
    ids = {item.pk: item.registration_id.partition("/")[2] for item in page}
    names = dict(
        Registration.objects.filter(conference=conference, id__in=set(ids.values())).values_list("id", "name")
    )
    links = ShareLink.objects.filter(conference_id=conference.id, id__in={item.link_key for item in page})
    sharers = dict(links.values_list("id", "sharer"))
    people = name_sharers(conference, sharers.values())
    return [
        {
            "code": item.link_key.rpartition("/")[2], "sharer": people.get(sharers.get(item.link_key, "")),
            "registration": ids[item.pk], "name": names.get(ids[item.pk], ""),
            "at": item.registration.registered_at, "reason": REASON_LABELS[get_shown_reason(item)],
        }
        for item in page
    ]  # fmt: skip
